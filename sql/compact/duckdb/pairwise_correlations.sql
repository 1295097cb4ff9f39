-- Pairs of the matrices.
create view pairwise_correlations as
select md5(concat_ws('/', correlation_calculation_id, symbol_1, symbol_2))::uuid as id,
    correlation_calculation_id,
    symbol_1,
    symbol_2,
    case correlation when 2000000 then 'nan'::double else correlation / 1000000 end as correlation_value,
    coalesce(points, first_points) as data_points,
    case significance when 2000000 then 'nan'::double else significance / 1000000 end as statistical_significance
from (
    select correlation_calculation_id, correlation, points, first_points, significance,
        symbols[(cell - 1) // len(symbols) + 1] as symbol_1,
        symbols[(cell - 1) % len(symbols) + 1] as symbol_2
    from (
        select correlation_calculation_id, symbols, data_points[1] as first_points,
            generate_subscripts(correlations, 1) as cell,
            unnest(correlations) as correlation,
            unnest(data_points) as points,
            unnest(significances) as significance
        from engine_correlation_matrices
    )
)
