-- Runs of other processes: one of them is new or changed when another run has written.
select concat_ws('/', id, holder, status, finished_at) as run from engine_runs where not starts_with(holder, {own})
