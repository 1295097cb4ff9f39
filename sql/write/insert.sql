-- a frame's rows into a table
insert into {table} ({columns}) select {values} from {source}
