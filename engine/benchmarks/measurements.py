"""Measurements by name, and a benchmark's results as they are stored."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from engine.benchmarks.processes import BenchError

FORMAT = 1
"""Version of the results file."""


@dataclass
class Measurement:
    """One kind of run over its rounds.

    Attributes:
        name: section/store/size/what, the same in every benchmark.
        portfolios: portfolios of the workload.
        sessions: sessions of the workload.
        rows: rows that one round writes.
        walls: seconds of each round by the clock.
        cpus: processor seconds of each round.
        peak_mib: peak memory of any round.
        stages: seconds by stage of the fastest round.
        stored_mib: growth of the store.
        log_mib: growth of its server's write-ahead log.
        scaled: factor from the measured part to the whole.
    """

    name: str
    portfolios: int
    sessions: int
    rows: int = 0
    walls: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)
    peak_mib: int = 0
    stages: dict[str, float] = field(default_factory=dict)
    stored_mib: float = 0.0
    log_mib: float = 0.0
    scaled: float = 1.0

    def add(self, wall: float, cpu: float = 0.0, peak_mib: int = 0, **stages: float) -> None:
        """Add a round.

        Args:
            wall: seconds from start to exit.
            cpu: seconds of all processors.
            peak_mib: largest resident memory, MiB.
            stages: seconds by stage; those of the fastest round are kept.
        """
        # Stages of the fastest round, to which ratios refer; a mean would mix in other processes.
        if stages and wall < min(self.walls, default=wall + 1):
            self.stages = stages
        self.walls.append(round(wall, 4))
        self.cpus.append(round(cpu, 4))
        self.peak_mib = max(self.peak_mib, peak_mib)

    @property
    def best(self) -> float:
        """Seconds of the fastest round, scaled to the whole."""
        return min(self.walls) * self.scaled

    @property
    def middle(self) -> float:
        """Seconds of the median round, scaled to the whole."""
        return median(self.walls) * self.scaled


@dataclass(frozen=True)
class Ratio:
    """A quotient of two measurements, named for what is divided by what."""

    name: str
    value: float


@dataclass
class BenchmarkResults:
    """The results of a benchmark.

    Attributes:
        context: machine, versions, commit and date.
        measures: measurements by name.
        notes: what was left out, and what was checked.
        failures: runs that failed; the runs after them go on.
    """

    context: Mapping[str, Any]
    measures: dict[str, Measurement] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def measure(self, name: str, portfolios: int, sessions: int) -> Measurement:
        """Return the measurement of a name; a new one if there is none.

        Args:
            name: of the measurement, as printed.
            portfolios: in the data.
            sessions: of the window.
        """
        return self.measures.setdefault(name, Measurement(name, portfolios, sessions))

    @contextmanager
    def failures_recorded(self, name: str) -> Iterator[None]:
        """Record a child process that fails inside the block, and go on after it.

        Args:
            name: of the measurement.

        Yields:
            Nothing.
        """
        try:
            yield
        except BenchError as error:
            self.failures.append(f"{name}: {error}")

    def to_json(self, ratios: Sequence[Ratio]) -> str:
        """Return the results file, for a later run to be compared with.

        Args:
            ratios: of `engine.benchmarks.ratios`.
        """
        content = {
            "format": FORMAT,
            "context": self.context,
            "measures": [asdict(measure) for measure in self.measures.values()],
            "ratios": {ratio.name: round(ratio.value, 4) for ratio in ratios},
            "notes": self.notes,
            "failures": self.failures,
        }
        return json.dumps(content, indent=1)
