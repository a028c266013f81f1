"""Writers of the made world's files: one module a kind of source. Each returns what it wrote as `files.Written`."""
