"""Positions by session: prices and market values."""
