-- Name this session until the transaction ends, so that a run that meets its lock can show who holds it.
select set_config('application_name', {name}, true)
