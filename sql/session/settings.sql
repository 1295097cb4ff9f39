-- Settings of one transaction, none of which outlives it on a pooled connection; whether it may write.
-- As pg_dump does: no time limit ends a long statement, and a policy that hides rows is an error.
select current_setting('transaction_read_only') = 'on' as read_only, count(set_config(name, value, true)) as settings
from (values ('timezone', 'UTC'), ('client_encoding', 'UTF8'), ('standard_conforming_strings', 'on'),
    ('statement_timeout', '0'), ('idle_in_transaction_session_timeout', '0'), ('transaction_timeout', '0'),
    ('row_security', 'off')) as wanted (name, value)
where current_setting(name, true) is not null
