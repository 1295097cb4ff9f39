"""A DuckDB file as a source."""
