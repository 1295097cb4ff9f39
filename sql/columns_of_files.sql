-- Columns of Parquet files with their types, and whether a file has nested ones: a group besides its root.
select file_name, name, duckdb_type, count(num_children) over (partition by file_name) > 1 as nested
from parquet_schema(list_value{files})
qualify num_children is null
