"""Positions by session: open lots, prices, market values."""
