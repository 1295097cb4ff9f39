"""Stores to read from. A store is a URL; a reader turns its tables into typed frames."""

from __future__ import annotations

from loaders.open import open_reader
from loaders.reader import Reader

__all__ = ["Reader", "open_reader"]
