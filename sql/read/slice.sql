-- rows that belong to no portfolio, in a span of days
select {columns} from {table}
where {undated} or ({date} >= {start} and {date} < {end} + interval '1 day')
