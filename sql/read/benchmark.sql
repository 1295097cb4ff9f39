-- whether sector weights of the benchmark are stored: all that a run wants to know of them
select count(*) as rows from benchmarks_sector_weights where benchmark_code = {code}
