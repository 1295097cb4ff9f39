-- Symbols of the whole store that regressions may use, by what makes them visible: a lot that the legacy price
-- cache held prices of (document 01 §2.5), a deleted one of these, or an option's underlying.
select distinct symbol, case when deleted_at is null then 'live' else 'deleted' end as kind from positions
where symbol <> '' and investment_class in ('PUBLIC', 'OPTIONS')
union
select underlying_symbol, 'underlying' from positions
where underlying_symbol <> '' and position_type::text in {options}
