"""Figures of merit: ratios of measures of one run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.benchmarks.measurements import Measurement, Ratio


def ratios(measures: Mapping[str, Measurement]) -> list[Ratio]:
    """All that the measures allow."""
    return [*_limits(measures), *_loops(measures), *_exponents(measures)]


def _limits(measures: Mapping[str, Measurement]) -> Iterator[Ratio]:
    """The engine over what its store alone takes to give and take the same rows."""
    for name, write in measures.items():
        case, _, what = name.rpartition("/")
        if what != "bare write" or f"{case}/bare read" not in measures:
            continue
        engine, read = measures[f"{case}/first"], measures[f"{case}/bare read"]
        yield Ratio(f"{case}: engine / (bare read + bare write)", engine.best / (read.best + write.best))
        yield Ratio(f"{case}: engine / bare write alone", engine.best / write.best)


def _loops(measures: Mapping[str, Measurement]) -> Iterator[Ratio]:
    for name, loop in measures.items():
        case, _, what = name.rpartition("/")
        if name.startswith("loop/") and what in ("in turn", "asyncio"):
            yield Ratio(f"{case}: loop {what} / engine", loop.best / measures[f"{case}/the engine"].best)


def _exponents(measures: Mapping[str, Measurement]) -> Iterator[Ratio]:
    """The b of seconds = a * portfolios ** b, by least squares of the logarithms."""
    import numpy as np

    runs = [m for m in measures.values() if m.name.startswith("growth/") and m.name.endswith("/first")]
    for kind in dict.fromkeys(run.name.split("/")[1] for run in runs):
        mine = [run for run in runs if run.name.split("/")[1] == kind]
        if len(mine) > 1:
            sizes, seconds = [run.portfolios for run in mine], [run.best for run in mine]
            exponent = np.polyfit(np.log(sizes), np.log(seconds), 1)[0]
            yield Ratio(f"growth/{kind}: exponent of seconds by portfolios", float(exponent))


def against(measures: Mapping[str, Measurement], old: Mapping[str, Measurement]) -> list[Ratio]:
    """Seconds of this run over another's, for whatever both have measured alike."""
    return [
        Ratio(name, measure.best / old[name].best)
        for name, measure in measures.items()
        if name in old and old[name].best and old[name].sessions == measure.sessions
    ]
