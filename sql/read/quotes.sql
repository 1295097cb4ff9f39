-- Quoted closes or price actions up to a day, of symbols that the portfolios hold.
select {columns} from {table}
where date <= {end} and upper(symbol) in (
    select upper(symbol) from positions where {everyone} or portfolio_id in {portfolios}
    union select upper(underlying_symbol) from positions where {everyone} or portfolio_id in {portfolios}
)
