-- every column of the store's own schema, with its type
select table_name::text as table_name, column_name::text as column_name, data_type::text as data_type
from information_schema.columns
where table_schema = current_schema()
