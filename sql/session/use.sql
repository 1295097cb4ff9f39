-- Make a database the current one.
use {name}
