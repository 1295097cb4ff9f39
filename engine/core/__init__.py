"""The vocabulary of the engine: schema, rules, calendar, money, ids, frames, errors."""
