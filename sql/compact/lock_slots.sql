-- Keep other transactions from giving slots to factors; they may read them.
lock table engine_factor_slots in share row exclusive mode
