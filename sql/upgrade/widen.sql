-- Widen a text column.
alter table {table} alter column {column} type {type}
