"""The half that reads: any format to one relation of integers, in DuckDB's own SQL."""
