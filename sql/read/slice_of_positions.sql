-- Rows of some portfolios' positions in a range of days.
select {columns} from {table}
where ({everyone} or position_id in (select id from positions where portfolio_id in {portfolios}))
and ({undated} or ({date} >= {start} and {date} < {end} + interval '1 day'))
