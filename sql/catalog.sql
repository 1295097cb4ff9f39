-- Columns of the current schema with their types; a bounded text has its length.
select table_name::text as table_name, column_name::text as column_name,
    data_type::text || coalesce('(' || character_maximum_length || ')', '') as data_type
from information_schema.columns
where table_schema = current_schema()
