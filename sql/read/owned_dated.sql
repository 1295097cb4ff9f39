-- what belongs to the portfolios asked for, in a span of days
select {columns} from {table}
where {date} between {start} and {end} and ({everyone} or portfolio_id in {portfolios})
