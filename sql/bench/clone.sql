-- Copy a database that nobody is connected to.
create database {database} template {template}
