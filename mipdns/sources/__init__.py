"""What the world says: one module a kind of source. In: configured files. Out: `mipdns.evidence` records."""
