-- closes of everything the portfolios hold, of the factor funds and of symbols asked for, in a span of days
-- rows without a day or a symbol come along, for the rules to refuse
select {columns} from market_data_cache
where (date between {start} and {end} or date is null) and (symbol is null or symbol in (
    select symbol from positions where {everyone} or portfolio_id in {portfolios}
    union select upper(symbol) from positions where {everyone} or portfolio_id in {portfolios}
    union select underlying_symbol from positions where {everyone} or portfolio_id in {portfolios}
    union select symbol from market_data_cache where symbol in {funds} or symbol in {symbols}
))
