"""Figures of merit: ratios of measurements of one run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.benchmarks.measurements import Measurement, Ratio


def ratios(measures: Mapping[str, Measurement]) -> list[Ratio]:
    """Return every ratio for which there are measurements."""
    return [*_limits(measures), *_layouts(measures), *_loops(measures), *_exponents(measures)]


def _limits(measures: Mapping[str, Measurement]) -> Iterator[Ratio]:
    """Yield the engine's time over the time of its store alone for the same rows."""
    for name, write in measures.items():
        case, _, what = name.rpartition("/")
        if what != "bare write" or f"{case}/bare read" not in measures:
            continue
        engine, read = measures[f"{case}/first"], measures[f"{case}/bare read"]
        yield Ratio(f"{case}: engine / (bare read + bare write)", engine.best / (read.best + write.best))
        yield Ratio(f"{case}: engine / bare write alone", engine.best / write.best)


def _layouts(measures: Mapping[str, Measurement]) -> Iterator[Ratio]:
    """Yield the compact layout over the legacy one: seconds, the store's growth, and its log."""
    for name, compact in measures.items():
        case, _, what = name.rpartition("/")
        if what != "compact" or f"{case}/first" not in measures:
            continue
        legacy, write = measures[f"{case}/first"], measures.get(f"{case}/bare write")
        yield Ratio(f"{case}: compact / legacy layout", compact.best / legacy.best)
        for part in ("stored_mib", "log_mib"):
            if whole := getattr(legacy, part):
                label = part.removesuffix("_mib")
                yield Ratio(f"{case}: {label}, compact / legacy layout", getattr(compact, part) / whole)
        if write:
            yield Ratio(f"{case}: compact / bare write of legacy rows", compact.best / write.best)


def _loops(measures: Mapping[str, Measurement]) -> Iterator[Ratio]:
    for name, loop in measures.items():
        case, _, what = name.rpartition("/")
        if name.startswith("loop/") and what in ("in turn", "asyncio"):
            yield Ratio(f"{case}: loop {what} / engine", loop.best / measures[f"{case}/the engine"].best)


def _exponents(measures: Mapping[str, Measurement]) -> Iterator[Ratio]:
    """Yield the b of seconds = a * portfolios ** b, by least squares on the logarithms."""
    import numpy as np

    runs = [m for m in measures.values() if m.name.startswith("growth/") and m.name.endswith("/first")]
    for kind in dict.fromkeys(run.name.split("/")[1] for run in runs):
        of_kind = [run for run in runs if run.name.split("/")[1] == kind]
        if len(of_kind) > 1:
            sizes, seconds = [run.portfolios for run in of_kind], [run.best for run in of_kind]
            exponent = np.polyfit(np.log(sizes), np.log(seconds), 1)[0]
            yield Ratio(f"growth/{kind}: exponent of seconds by portfolios", float(exponent))


def against(measures: Mapping[str, Measurement], old: Mapping[str, Measurement]) -> list[Ratio]:
    """Return the seconds of this run over those of another, where both measured the same.

    Args:
        measures: of this run, by name.
        old: of the other run, by name.
    """
    return [
        Ratio(name, measure.best / old[name].best)
        for name, measure in measures.items()
        if name in old and old[name].best and old[name].sessions == measure.sessions
    ]
