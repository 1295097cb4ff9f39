-- Drop a table or a view that nothing else depends on.
drop {kind} {table}
