-- Number of sector weights of a benchmark: a run only needs to know whether there are any.
select count(*) as rows from benchmarks_sector_weights where benchmark_code = {code}
