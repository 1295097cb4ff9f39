-- Open the file of a connection again, with small row groups, in place of the database that was opened.
attach ':memory:' as {aside};
use {aside};
detach {opened};
attach {path} as {name} (row_group_size {rows});
use {name};
detach {aside}
