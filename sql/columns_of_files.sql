-- Columns of Parquet files with their types, and the groups that nested ones and the file's root are.
select file_name, name, duckdb_type, num_children is not null as grouped from parquet_schema(list_value{files})
