-- the days that the prices of these symbols span
select symbol, min(date) as oldest, max(date) as newest from market_data_cache
where symbol in {symbols} and close > 0
group by symbol
