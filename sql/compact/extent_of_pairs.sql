-- Number of pairs of all matrices.
select coalesce(sum(array_length(symbols, 1) * array_length(symbols, 1)), 0)::bigint as rows, null::date as first,
    null::date as last
from engine_correlation_matrices
