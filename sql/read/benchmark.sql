-- Sector weights of a benchmark, of all days.
select {columns} from benchmarks_sector_weights where benchmark_code = {code}
