-- Whether the role may create tables in the current schema.
select has_schema_privilege(current_schema(), 'create') as allowed
