-- Delete rows of a table without an owner in a range of days.
delete from {table} where {date} >= {start} and {date} < {end} + interval '1 day'
