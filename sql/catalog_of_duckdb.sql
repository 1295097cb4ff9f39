-- every column of the store's own schema, with its type, in half the standard view's time
select table_name, column_name, data_type
from duckdb_columns()
where database_name = current_database() and schema_name = current_schema()
