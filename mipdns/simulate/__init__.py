"""A made world with known truth, written as the files that real sources would be."""
