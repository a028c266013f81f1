"""`python -m mipdns` is `mipdns`."""

from mipdns.cli import main

main(prog_name="mipdns")
