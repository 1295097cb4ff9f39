-- rows of the portfolios asked for, in a span of days
select {columns} from {table}
where ({everyone} or {owner} in {portfolios})
and ({undated} or ({date} >= {start} and {date} < {end} + interval '1 day'))
