-- a table as it lies
select * from {table}
