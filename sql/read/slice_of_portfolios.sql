-- Rows of some portfolios in a range of days.
select {columns} from {table}
where ({everyone} or {owner} in {portfolios})
and ({undated} or ({date} >= {start} and {date} < {end} + interval '1 day'))
