-- Columns of the current schema with their types; a bounded text has its length, a number "not null".
select table_name::text as table_name, column_name::text as column_name,
    data_type::text || coalesce('(' || character_maximum_length || ')', '')
    || case when data_type = 'numeric' and is_nullable = 'NO' then ' not null' else '' end as data_type
from information_schema.columns
where table_schema = current_schema()
union all
-- Materialized views, which the information schema leaves out.
select views.relname::text, columns.attname::text,
    case when types.typnamespace = 'pg_catalog'::regnamespace
    then format_type(columns.atttypid, columns.atttypmod) else 'USER-DEFINED' end
from pg_catalog.pg_class as views
join pg_catalog.pg_attribute as columns on columns.attrelid = views.oid
join pg_catalog.pg_type as types on types.oid = columns.atttypid
where views.relkind = 'm' and views.relnamespace = quote_ident(current_schema())::regnamespace
and columns.attnum > 0 and not columns.attisdropped
