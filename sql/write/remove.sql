-- rows whose natural keys are laid out beside
delete from {table} as kept using {source} as gone where {same}
