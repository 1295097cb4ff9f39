-- Interest-rate betas before a window that stress results of the window use. No constraint forbids several
-- rows for a position and day: take the newest.
select distinct on (position_id, calculation_date) {columns} from position_interest_rate_betas
where calculation_date >= {oldest} and calculation_date < {start}
and ({everyone} or portfolio_id in {portfolios})
order by position_id, calculation_date, created_at desc, id desc
