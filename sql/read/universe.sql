-- Symbols whose prices the legacy price cache held: document 01 §2.5.
select distinct symbol from positions
where deleted_at is null and symbol <> '' and investment_class in ('PUBLIC', 'OPTIONS')
