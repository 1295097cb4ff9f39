-- Symbols that are held, and whether a quoted close of them is stored.
select symbol, investment_class,
    exists (select 1 from engine_raw_closes where engine_raw_closes.symbol = upper(held.symbol)) as quoted
from (select distinct symbol, investment_class from positions where deleted_at is null) as held
