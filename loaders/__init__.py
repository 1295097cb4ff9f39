"""Stores to read from. A store is a URL; a reader turns its tables into typed frames."""

from __future__ import annotations

from loaders.reader import Reader, open_reader

__all__ = ["Reader", "open_reader"]
