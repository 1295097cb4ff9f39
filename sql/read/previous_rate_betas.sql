-- interest-rate betas of the days before a window that its stress results still look at
select {columns} from position_interest_rate_betas
where calculation_date >= {oldest} and calculation_date < {start}
and ({everyone} or portfolio_id in {portfolios})
