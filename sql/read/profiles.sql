-- what is known of the companies held, and of those asked for
select {columns} from company_profiles where symbol in (
    select symbol from positions where {everyone} or portfolio_id in {portfolios}
    union select upper(symbol) from positions where {everyone} or portfolio_id in {portfolios}
    union select symbol from company_profiles where symbol in {symbols}
)
