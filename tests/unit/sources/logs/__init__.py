"""Log sources: every format to the same integers, the same counts as brute force."""
