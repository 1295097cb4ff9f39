-- A whole table in the store's own types.
select * from {table}
