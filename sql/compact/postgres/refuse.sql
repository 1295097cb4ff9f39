-- Error for other programs that write to a view of the compact layout.
create or replace function engine_view_is_read_only() returns trigger language plpgsql as $$
begin
    raise exception 'table % is a view of the compact layout and cannot be written', tg_table_name
        using hint = 'The engine writes the packed tables. `engine layout URL legacy` makes it a table again.';
end
$$
