-- Symbols with prices that equal some symbols in upper case and without blanks.
select distinct symbol from market_data_cache where upper(trim(symbol)) in {symbols}
