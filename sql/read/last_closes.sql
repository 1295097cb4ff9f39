-- Newest close before a day, of held and extra symbols: a snapshot values positions by it,
-- however old it is. The newest close of 0, which is a placeholder, is a row of its own.
select distinct on (symbol, close > 0) {columns} from market_data_cache
where date < {start} and symbol in (
    select upper(symbol) from positions where {everyone} or portfolio_id in {portfolios}
    union select symbol from market_data_cache where symbol in {symbols}
)
order by symbol, close > 0, date desc
