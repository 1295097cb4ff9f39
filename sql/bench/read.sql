-- Send the rows of one of the loader's statements as text.
copy ({query}) to stdout with (format csv);
