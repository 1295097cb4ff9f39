"""How large the benchmark's worlds are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

FIRST, LAST = date(2025, 7, 1), date(2025, 12, 19)
"""The reference window: 121 sessions. The demo's prices end with it."""
KINDS = ("duckdb", "postgres", "parquet")


@dataclass(frozen=True)
class Workload:
    """A world that `engine demo` makes, and the window that is computed of it.

    source: a store's URL, to take the inputs from there instead. run_date: default the end.
    """

    portfolios: int
    positions: int
    symbols: int
    start: date = FIRST
    end: date = LAST
    source: str | None = None
    run_date: date | None = None

    @property
    def label(self) -> str:
        """Its name among the measures."""
        return "given" if self.source else f"{self.portfolios} x {self.positions}"

    def made(self, url: str) -> tuple[str, ...]:
        """The engine's command that makes a store of it."""
        if self.source:
            return ("copy", self.source, url, "--quiet")
        sizes = {"portfolios": self.portfolios, "positions": self.positions, "symbols": self.symbols}
        words = (word for name, size in sizes.items() for word in (f"--{name}", str(size)))
        return ("demo", url, *words, "--quiet")

    def days(self, start: date, end: date) -> tuple[str, ...]:
        """What the engine's command and the loop are told of dates."""
        dates = {"start": start, "end": end, "run-date": self.run_date or self.end}
        return tuple(word for name, day in dates.items() for word in (f"--{name}", str(day)))


@dataclass(frozen=True)
class BenchmarkPlan:
    """What a benchmark runs.

    growth, daily: worlds by kind of store. history: the first session of the days that a daily
    run finds in the store. loop_sessions: of the reference window, that the old way computes.
    """

    reference: Workload
    rounds: int
    growth: Mapping[str, tuple[Workload, ...]]
    daily: Mapping[str, tuple[Workload, ...]]
    history: date
    loop_sessions: int


def usual(rounds: int | None, full: bool) -> BenchmarkPlan:
    """The sizes whose figures are worth keeping; in full, 1,000 portfolios of a half-year too."""
    reference = Workload(5, 20, 60)
    many = (10, 100, 1_000) if full else (10, 100)
    files = tuple(Workload(portfolios, 30, 1_500) for portfolios in many)
    databases = tuple(Workload(portfolios, 30, 1_500) for portfolios in (10, 100))
    thousand = Workload(1_000, 30, 1_500)
    return BenchmarkPlan(
        reference,
        rounds or 5,
        {"duckdb": files, "postgres": databases, "parquet": files},
        {kind: (reference, thousand) for kind in KINDS if kind != "postgres" or full}
        | ({} if full else {"postgres": (reference,)}),
        date(2025, 12, 12),
        4,
    )


def quick(rounds: int | None) -> BenchmarkPlan:
    """Sizes that only show that everything works."""
    reference = Workload(5, 6, 40, start=date(2025, 12, 15))
    growth = tuple(Workload(portfolios, 6, 40, start=reference.start) for portfolios in (2, 4))
    return BenchmarkPlan(
        reference,
        rounds or 1,
        dict.fromkeys(KINDS, growth),
        dict.fromkeys(KINDS, (reference,)),
        date(2025, 12, 16),
        1,
    )
