-- Sessions of portfolios that a run held back: one row each, of the first job.
select {columns} from analytics_status where status = 'held_back' and job = 'pnl'
