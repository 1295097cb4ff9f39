"""Reading a folder of Parquet files."""
