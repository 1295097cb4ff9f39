-- every table of the store's own schema
select table_name::text as table_name
from information_schema.tables
where table_schema = current_schema()
