-- Refuse rows that other programs write to a view.
create trigger engine_read_only instead of insert or update or delete on {view}
for each row execute function engine_view_is_read_only()
