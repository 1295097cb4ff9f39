-- what belongs to the portfolios asked for
select {columns} from {table} where {everyone} or portfolio_id in {portfolios}
