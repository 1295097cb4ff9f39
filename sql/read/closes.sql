-- Closes in a range of days: of symbols that the portfolios hold, the factor funds and extra symbols.
-- Rows without a day or a symbol are included, so that the row rules can refuse them.
select {columns} from market_data_cache
where (date between {start} and {end} or date is null) and (symbol is null or symbol in (
    select symbol from positions where {everyone} or portfolio_id in {portfolios}
    union select upper(symbol) from positions where {everyone} or portfolio_id in {portfolios}
    union select underlying_symbol from positions where {everyone} or portfolio_id in {portfolios}
    union select symbol from market_data_cache where symbol in {funds} or symbol in {symbols}
))
