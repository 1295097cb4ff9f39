-- Add a column; it is null in existing rows.
alter table {table} add column {definition}
