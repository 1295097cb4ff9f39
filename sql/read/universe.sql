-- symbols whose prices the legacy price cache held: see document 01 §2.5
select distinct symbol from positions
where deleted_at is null and symbol <> '' and investment_class in ('PUBLIC', 'OPTIONS')
