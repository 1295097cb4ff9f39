-- Number of rows that one of two tables has and the other lacks.
select count(*) from (
    (select {columns} from {one} except all select {columns} from {other})
    union all
    (select {columns} from {other} except all select {columns} from {one})
) as differences
