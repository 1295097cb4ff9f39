-- rows of a span of days that belong to no portfolio
delete from {table} where {date} >= {start} and {date} < {end} + interval '1 day'
