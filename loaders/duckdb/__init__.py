"""Reading a DuckDB file."""
