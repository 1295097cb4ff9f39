-- the portfolios asked for, deleted ones too: to say so when one is asked for by name
select {columns} from portfolios where {everyone} or id in {portfolios}
