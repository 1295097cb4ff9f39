-- rows of the positions of a block of portfolios in a span of days, about to be written anew
delete from {table}
where position_id in (select id from positions where portfolio_id in {portfolios})
and {date} >= {start} and {date} < {end} + interval '1 day'
