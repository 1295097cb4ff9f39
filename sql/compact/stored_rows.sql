-- Rows of a view that belong to some rows of its packed table.
select {columns} from {view} as kept where exists (select 1 from {source} as wanted where {same})
