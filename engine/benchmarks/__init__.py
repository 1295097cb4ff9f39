"""The benchmark: what the engine takes, beside the old way and beside the bare limit, in one run.

Every figure is a child process from start to exit, on worlds that `engine demo` invents. Rounds of
all kinds take turns, each on a fresh copy of a pristine store, so that ratios hold on a busy
machine better than seconds do.
"""

from __future__ import annotations

SECTIONS = ("reference", "limit", "loop", "growth", "daily")
"""In the order in which they run; `engine.benchmarks.sections` has a function for each."""
