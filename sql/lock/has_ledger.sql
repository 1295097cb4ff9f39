-- Whether the store has a table of runs.
select to_regclass('engine_runs') is not null
