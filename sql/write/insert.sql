-- Insert the rows of a frame.
insert into {table} ({columns}) select {values} from {source}
