-- First and last day with a price, by symbol. The upper bound excludes NaN, which sorts above all numbers.
select symbol, min(date)::date as oldest, max(date)::date as newest from market_data_cache
where symbol in {symbols} and close > 0 and close < 100000000
group by symbol
