"""The parity harness, rule by rule."""
