"""Stores to read from, own books, and providers of market data. A reader turns tables into typed frames."""

from __future__ import annotations

from loaders.open import open_reader

__all__ = ["open_reader"]
