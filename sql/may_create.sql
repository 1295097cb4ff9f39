-- whether the role may make tables in the store's own schema
select has_schema_privilege(current_schema(), 'create') as allowed
