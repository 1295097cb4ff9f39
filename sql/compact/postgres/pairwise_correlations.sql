-- Pairs of the matrices. A common table expression, an aggregate or DISTINCT would keep Postgres from reaching
-- the key of a row that a query asks for; a set of rows from generate_series is guessed at 1,000 rows.
create view pairwise_correlations as
select md5(concat_ws('/', matrix.correlation_calculation_id, line.symbol, pair.symbol))::uuid as id,
    matrix.correlation_calculation_id,
    line.symbol::varchar(20) as symbol_1,
    pair.symbol::varchar(20) as symbol_2,
    (case pair.correlation when 2000000 then 'NaN' else pair.correlation * 0.000001 end)::numeric(8, 6)
        as correlation_value,
    coalesce(pair.points, matrix.data_points[1]) as data_points,
    (case pair.significance when 2000000 then 'NaN' else pair.significance * 0.000001 end)::numeric(8, 6)
        as statistical_significance
from engine_correlation_matrices as matrix,
    unnest(matrix.symbols) with ordinality as line (symbol, number),
    unnest(
        matrix.symbols,
        matrix.correlations[(line.number - 1) * cardinality(matrix.symbols) + 1 : line.number * cardinality(matrix.symbols)],
        matrix.data_points[(line.number - 1) * cardinality(matrix.symbols) + 1 : line.number * cardinality(matrix.symbols)],
        matrix.significances[(line.number - 1) * cardinality(matrix.symbols) + 1 : line.number * cardinality(matrix.symbols)]
    ) as pair (symbol, correlation, points, significance)
