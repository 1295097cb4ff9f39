-- Some portfolios, deleted ones included: a message can then say that a portfolio is deleted.
select {columns} from portfolios where {everyone} or id in {portfolios}
