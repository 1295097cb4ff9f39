-- A table in the schema's types, under its name, for the statements of a user.
create or replace temp view {table} as with {source} select * from {table}
