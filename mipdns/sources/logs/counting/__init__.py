"""The half that counts: the relation `hit` to day evidence, and day evidence to features.

The SQL files beside this keep to what DuckDB, Spark and ClickHouse share (common table expressions, GROUP BY,
COUNT(DISTINCT), CASE, windows, MEDIAN), so that another engine can count the same. Counts are exact.
"""
