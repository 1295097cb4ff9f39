-- A table of a store in memory, from a frame.
create table {table} as select * from incoming
