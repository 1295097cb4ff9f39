"""The sizes of the data sets and windows that the benchmark runs on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

FIRST, LAST = date(2025, 7, 1), date(2025, 12, 19)
"""The reference window: 121 sessions. The demo's prices end on its last day."""
KINDS = ("duckdb", "postgres", "parquet")


@dataclass(frozen=True)
class Workload:
    """An invented data set, and the window that is computed from it.

    Attributes:
        portfolios: number of portfolios.
        positions: positions per portfolio.
        symbols: symbols with prices.
        start: first day of the window.
        end: last day of the window.
        source: URL of a store to take the inputs from instead of inventing them.
        run_date: what counts as today; None: the end.
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
        """Its name in the names of measurements."""
        return "given" if self.source else f"{self.portfolios} x {self.positions}"

    def command(self, url: str) -> tuple[str, ...]:
        """Return the arguments of the engine's command that makes a store of it.

        Args:
            url: of the store to make.
        """
        if self.source:
            return ("copy", self.source, url, "--quiet")
        sizes = {"portfolios": self.portfolios, "positions": self.positions, "symbols": self.symbols}
        words = (word for name, size in sizes.items() for word in (f"--{name}", str(size)))
        return ("demo", url, *words, "--quiet")

    def date_options(self, start: date, end: date) -> tuple[str, ...]:
        """Return the options --start, --end and --run-date of a command.

        Args:
            start: first day.
            end: last day.
        """
        dates = {"start": start, "end": end, "run-date": self.run_date or self.end}
        return tuple(word for name, day in dates.items() for word in (f"--{name}", str(day)))


@dataclass(frozen=True)
class BenchmarkPlan:
    """Workloads and rounds of a benchmark.

    Attributes:
        reference: the workload of the sections reference, limit and loop.
        rounds: rounds of each kind of run.
        growth: workloads of the section growth, by kind of store.
        daily: workloads of the section daily, by kind of store.
        history: first session that is in the store before a daily run.
        loop_sessions: sessions of the reference window that the loop computes.
        layouts: workloads of the section layouts, by kind of store.
    """

    reference: Workload
    rounds: int
    growth: Mapping[str, tuple[Workload, ...]]
    daily: Mapping[str, tuple[Workload, ...]]
    history: date
    loop_sessions: int
    layouts: Mapping[str, tuple[Workload, ...]] = field(default_factory=dict)


def usual(rounds: int | None, full: bool) -> BenchmarkPlan:
    """Return the plan of a benchmark whose figures are worth keeping.

    Args:
        rounds: of each kind of run; default 5.
        full: also 1,000 portfolios of a half-year, which takes hours.
    """
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
        {"duckdb": (reference, *files[1:]), "postgres": (reference, *databases[1:])},
    )


def quick(rounds: int | None) -> BenchmarkPlan:
    """Return a plan of tiny workloads that only shows that everything works.

    Args:
        rounds: of each kind of run; default 1.
    """
    reference = Workload(5, 6, 40, start=date(2025, 12, 15))
    growth = tuple(Workload(portfolios, 6, 40, start=reference.start) for portfolios in (2, 4))
    return BenchmarkPlan(
        reference,
        rounds or 1,
        dict.fromkeys(KINDS, growth),
        dict.fromkeys(KINDS, (reference,)),
        date(2025, 12, 16),
        1,
        dict.fromkeys(("duckdb", "postgres"), (reference,)),
    )
