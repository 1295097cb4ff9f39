vacuum (analyze, freeze)
