-- Rows of some portfolios.
select {columns} from {table} where {everyone} or portfolio_id in {portfolios}
