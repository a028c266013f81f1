"""Logs: who came, when, from which ports and with which agents. In: log sources. Out: counted units.

The path of a line: `files` looks every file over; `formats` say how its lines are to be read; `scan` is how DuckDB
gets at them; `lines` turns them into integers; `ingest` keeps those that count as hits, sorted, and accounts for each
line; `counting` makes day evidence of them, once, and features of that. `manifest` remembers what was read and counted,
`holdings` says which of it counts, and `load` goes through it in order. `engines` count elsewhere than in DuckDB, and
`residents` are logs that lie there.

The one rule: DuckDB reads and counts; nothing here loops over lines in Python.
"""

from mipdns.sources.logs.load import read_logs

__all__ = ["read_logs"]
