-- Exposures of positions: one row for each slot that is filled.
create view position_factor_exposures as
select md5(concat_ws('/', packed.position_id, slots.factor_id, packed.calculation_date - date '1970-01-01'))::uuid as id,
    packed.position_id,
    slots.factor_id,
    packed.calculation_date,
    (packed.exposures[slots.slot] * 0.000001)::numeric(12, 6) as exposure_value,
    (case when array_length(packed.quality_flags, 1) = 1 then packed.quality_flags[1]
        else packed.quality_flags[slots.slot] end)::varchar(20) as quality_flag,
    packed.created_at
from engine_position_exposures as packed
join engine_factor_slots as slots on packed.exposures[slots.slot] is not null
