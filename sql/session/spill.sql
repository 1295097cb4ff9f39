-- Where to put what does not fit in memory.
set temp_directory = {path}
