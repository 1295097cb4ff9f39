-- Tables and views that look like a table of the schema: in another schema, or spelled in other letters.
select lower(table_name)::text as table_name, (table_schema || '.' || table_name)::text as form
from information_schema.tables
where lower(table_name) in {tables} and table_catalog = current_database()
and (table_schema <> current_schema() or table_name <> lower(table_name))
and table_schema not in ('pg_catalog', 'information_schema')
order by table_schema, table_name
