-- Exposures of portfolios: one row for each slot that is filled.
create view factor_exposures as
select md5(concat_ws('/', packed.portfolio_id, slots.factor_id, packed.calculation_date - date '1970-01-01'))::uuid as id,
    packed.portfolio_id,
    slots.factor_id,
    packed.calculation_date,
    (packed.exposures[slots.slot] * 0.000001)::numeric(12, 6) as exposure_value,
    (packed.dollars[slots.slot] * 0.01)::numeric(16, 2) as exposure_dollar,
    packed.created_at,
    packed.updated_at
from engine_portfolio_exposures as packed
join engine_factor_slots as slots on packed.exposures[slots.slot] is not null
