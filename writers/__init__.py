"""Stores to write to. A writer makes missing tables and puts whole frames in, in transactions."""

from __future__ import annotations

from writers.open import open_writer
from writers.writer import LockScope, Scope, Writer

__all__ = ["LockScope", "Scope", "Writer", "open_writer"]
