-- The slot of each factor.
select factor_id::text as factor_id, slot from engine_factor_slots
