"""Counting elsewhere: the engines that stand in for DuckDB where one machine is too small. In: shares of hits.

`rendering` translates the counting SQL, `spark` and `clickhouse` run it there, `http` is how ClickHouse is reached.

The one rule: whatever engine counted, the evidence is the same to the last row. An engine's library is imported when
it is asked for, and not before.
"""
