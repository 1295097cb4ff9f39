"""The benchmark: the engine's time against the legacy way and against the store alone, in one run.

Every figure is the time of a child process from start to exit, on data that `engine demo` invents.
Rounds of all kinds alternate, each on a fresh copy of one prepared store, so that ratios are more
reliable on a busy machine than seconds are.
"""

from __future__ import annotations

SECTIONS = ("reference", "limit", "loop", "growth", "daily", "layouts")
"""In the order in which they run; `engine.benchmarks.sections` has a function for each."""
