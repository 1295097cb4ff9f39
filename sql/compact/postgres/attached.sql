-- What a table has besides its rows, indexes and privileges, and would lose with them when it is dropped.
select 'row security' as object from pg_class where oid = {table}::regclass and relrowsecurity
union all
select 'policy ' || polname from pg_policy where polrelid = {table}::regclass
union all
select 'trigger ' || tgname from pg_trigger
where tgrelid = {table}::regclass and not tgisinternal and tgname <> 'engine_read_only'
union all
select 'rule ' || rulename from pg_rewrite where ev_class = {table}::regclass and rulename <> '_RETURN'
union all
select 'privileges on column ' || attname from pg_attribute
where attrelid = {table}::regclass and attnum > 0 and not attisdropped and attacl is not null
order by 1
