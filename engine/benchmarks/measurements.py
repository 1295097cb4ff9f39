"""What was measured: named, so that it can be told apart and found again in another run's file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from engine.benchmarks.processes import BenchError


@dataclass
class Measurement:
    """One kind of run, over its rounds.

    name: section/store/size/what. portfolios, sessions, rows: how much it does each time.
    walls, cpus: seconds of each round; peak_mib: most memory of any. stages: seconds by stage of
    the best round. stored_mib: by how much the store grew. scaled: how many times the measured
    seconds the whole would take, where only a part was run.
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
    scaled: float = 1.0

    def add(self, wall: float, cpu: float = 0.0, peak_mib: int = 0, **stages: float) -> None:
        """One more round."""
        if stages and wall < min(self.walls, default=wall + 1):
            self.stages = stages
        self.walls.append(round(wall, 4))
        self.cpus.append(round(cpu, 4))
        self.peak_mib = max(self.peak_mib, peak_mib)

    @property
    def best(self) -> float:
        """Seconds of the best round, of the whole."""
        return min(self.walls) * self.scaled

    @property
    def middle(self) -> float:
        """Seconds of the median round, of the whole."""
        return median(self.walls) * self.scaled


@dataclass(frozen=True)
class Ratio:
    """A figure of merit: what is divided by what, and what it comes to."""

    name: str
    value: float


@dataclass
class BenchmarkResults:
    """A benchmark's outcome, as it is stored.

    context: machine, versions, commit, date. notes: what was left out, and what was checked.
    failures: runs that ended badly; what follows them goes on.
    """

    context: Mapping[str, Any]
    measures: dict[str, Measurement] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def measure(self, name: str, portfolios: int, sessions: int) -> Measurement:
        """The measure of a name, made where it is new."""
        return self.measures.setdefault(name, Measurement(name, portfolios, sessions))

    @contextmanager
    def whatever_happens(self, what: str) -> Iterator[None]:
        """Keep what was measured when a run ends badly."""
        try:
            yield
        except BenchError as error:
            self.failures.append(f"{what}: {error}")

    def to_json(self, ratios: Sequence[Ratio]) -> str:
        """Everything, for another run to be compared with."""
        content = {
            "format": FORMAT,
            "context": self.context,
            "measures": [asdict(each) for each in self.measures.values()],
            "ratios": {ratio.name: round(ratio.value, 4) for ratio in ratios},
            "notes": self.notes,
            "failures": self.failures,
        }
        return json.dumps(content, indent=1)


FORMAT = 1
