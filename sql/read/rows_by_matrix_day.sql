-- Number of rows of a table by the day of the correlation matrix that they belong to.
select heads.calculation_date::date as day, count(*) as rows
from {table} as parts join correlation_calculations as heads on heads.id = parts.correlation_calculation_id
group by 1 order by 1
