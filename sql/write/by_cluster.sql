-- Delete members of the clusters of some portfolios' correlation matrices in a range of days.
delete from {table}
where cluster_id in (
    select clusters.id from correlation_clusters as clusters
    join correlation_calculations as heads on heads.id = clusters.correlation_calculation_id
    where heads.portfolio_id in {portfolios}
    and heads.calculation_date >= {start} and heads.calculation_date < {end} + interval '1 day'
)
