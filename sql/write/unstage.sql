-- Drop the temporary table that an earlier batch of the transaction used.
drop table if exists {stage}
