-- the newest close of each held symbol, and of those asked for, before a day: a snapshot values by it,
-- however old
select distinct on (symbol) {columns} from market_data_cache
where date < {start} and symbol in (
    select upper(symbol) from positions where {everyone} or portfolio_id in {portfolios}
    union select symbol from market_data_cache where symbol in {symbols}
)
order by symbol, date desc
