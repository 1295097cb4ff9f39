-- the newest close of each held symbol before a day: a snapshot values by it, however old
select distinct on (symbol) {columns} from market_data_cache
where date < {start} and symbol in (
    select upper(symbol) from positions where {everyone} or portfolio_id in {portfolios}
)
order by symbol, date desc
