-- Number of pairs of all matrices by day; to unpack them takes a second for each million.
select heads.calculation_date::date as day,
    sum(array_length(parts.symbols, 1) * array_length(parts.symbols, 1))::bigint as rows
from engine_correlation_matrices as parts
join correlation_calculations as heads on heads.id = parts.correlation_calculation_id
group by 1 order by 1
