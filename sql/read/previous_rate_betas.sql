-- interest-rate betas of the days before a window that its stress results still look at: of several
-- of a position and a day, which no constraint forbids, the newest
select distinct on (position_id, calculation_date) {columns} from position_interest_rate_betas
where calculation_date >= {oldest} and calculation_date < {start}
and ({everyone} or portfolio_id in {portfolios})
order by position_id, calculation_date, created_at desc, id desc
