-- who this session is, for whoever meets its lock
select set_config('application_name', {name}, false)
