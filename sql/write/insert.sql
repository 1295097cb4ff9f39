-- a frame's rows into a table
insert into {table} ({columns}) select {columns} from {source}
