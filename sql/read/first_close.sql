-- Oldest day with a price. The upper bound excludes NaN, which sorts above all numbers.
select min(date)::date as day from market_data_cache where close > 0 and close < 100000000
