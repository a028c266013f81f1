"""One module a family of formats: what a file's beginning tells, as a `Layout`. Siblings know nothing of each other."""
