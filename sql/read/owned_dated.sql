-- what belongs to the portfolios asked for, in a span of days; rows without a day come along,
-- for the rules to refuse
select {columns} from {table}
where ({date} between {start} and {end} or {date} is null) and ({everyone} or portfolio_id in {portfolios})
