-- Drop what made the views read-only.
drop function if exists engine_view_is_read_only()
