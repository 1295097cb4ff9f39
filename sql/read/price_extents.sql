-- the days that the prices of these symbols span; a NaN, which is none, sorts above every number
select symbol, min(date) as oldest, max(date) as newest from market_data_cache
where symbol in {symbols} and close > 0 and close < 100000000
group by symbol
