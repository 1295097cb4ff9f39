-- Rows of some portfolios in a range of days. Rows without a day are included, so that the row rules
-- can refuse them.
select {columns} from {table}
where ({date} between {start} and {end} or {date} is null) and ({everyone} or portfolio_id in {portfolios})
