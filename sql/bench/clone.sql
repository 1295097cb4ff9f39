-- a database like another, which nobody may be looking at
create database {database} template {template}
