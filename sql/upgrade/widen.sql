-- a text column that holds more than so far
alter table {table} alter column {column} type {type}
