-- Newest session that a batch recorded as done.
select max(run_date) as day from batch_run_tracking where phase_1_status = 'success'
