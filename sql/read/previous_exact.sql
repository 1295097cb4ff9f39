-- Newest unrounded equity of each portfolio before a day.
select distinct on (portfolio_id) {columns} from engine_portfolio_pnl
where calculation_date < {start} and ({everyone} or portfolio_id in {portfolios})
order by portfolio_id, calculation_date desc
