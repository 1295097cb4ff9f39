-- Number of rows of Parquet files.
select file_name, num_rows from parquet_file_metadata(list_value{files})
