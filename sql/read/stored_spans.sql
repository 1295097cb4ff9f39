-- Oldest and newest stored session of each portfolio: one or two rows.
select distinct {columns} from portfolio_snapshots
where equity_balance is not null and (portfolio_id, snapshot_date) in (
    select portfolio_id, min(snapshot_date) from portfolio_snapshots
    where equity_balance is not null group by portfolio_id
    union all
    select portfolio_id, max(snapshot_date) from portfolio_snapshots
    where equity_balance is not null group by portfolio_id
)
