-- Tables of the current schema that never held a row. A table whose rows were all deleted may be missing here.
select table_name from duckdb_tables()
where database_name = current_database() and schema_name = current_schema() and estimated_size = 0
