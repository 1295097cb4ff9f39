-- Company profiles of symbols that the portfolios hold, and of extra symbols.
select {columns} from company_profiles where symbol in (
    select symbol from positions where {everyone} or portfolio_id in {portfolios}
    union select upper(symbol) from positions where {everyone} or portfolio_id in {portfolios}
    union select symbol from company_profiles where symbol in {symbols}
)
