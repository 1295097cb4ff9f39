-- Newest market beta of each position before a day.
select distinct on (position_id) {columns} from position_market_betas
where calc_date < {start} and ({everyone} or portfolio_id in {portfolios})
order by position_id, calc_date desc
