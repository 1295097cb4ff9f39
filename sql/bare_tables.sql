-- the tables of the store's own schema without a row; those whose rows were deleted may be missing
select table_name from duckdb_tables()
where database_name = current_database() and schema_name = current_schema() and estimated_size = 0
