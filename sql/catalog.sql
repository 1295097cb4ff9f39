-- every column of the store's own schema
select table_name::text as table_name, column_name::text as column_name
from information_schema.columns
where table_schema = current_schema()
