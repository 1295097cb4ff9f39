-- a column that the table has not had so far: null in the rows that are there
alter table {table} add column {definition}
