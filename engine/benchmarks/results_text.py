"""A benchmark's results as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from engine.benchmarks.measurements import BenchmarkResults, Measurement, Ratio

STAGES = ("load", "compute", "write")
WIDTH = 46


def to_text(results: BenchmarkResults, ratios: Sequence[Ratio], changes: Sequence[Ratio]) -> str:
    """Return context, measurements, ratios and notes.

    Args:
        results: what was measured.
        ratios: figures of merit of this run.
        changes: seconds of this run over those of another.
    """
    return "\n".join(_lines(results, ratios, changes))


def _lines(results: BenchmarkResults, ratios: Sequence[Ratio], changes: Sequence[Ratio]) -> Iterator[str]:
    yield from _context(results.context)
    yield ""
    yield (
        f"{'':{WIDTH}}{'best s':>9}{'median s':>10}{'cpu s':>8}{'MiB':>7}{'stored':>9}{'rows':>12}"
        f"{'rows/s':>10}{'load s':>8}{'compute s':>11}{'write s':>9}{'computed/s':>12}"
    )
    yield from (_line(measure) for measure in results.measures.values())
    yield from _table("Ratios, of best rounds", ratios)
    yield from _table("Seconds over those of the other file", changes)
    if results.notes:
        yield ""
        yield from results.notes
    for failure in results.failures:
        yield f"\nfailed: {failure}"


def _context(context: Mapping[str, object]) -> Iterator[str]:
    for name, value in context.items():
        parts = value.items() if isinstance(value, Mapping) else ()
        yield f"{name}: {', '.join(f'{key} {part}' for key, part in parts) if parts else value}"


def _line(measure: Measurement) -> str:
    stages = [f"{measure.stages[stage]:.2f}" if stage in measure.stages else "" for stage in STAGES]
    rows = f"{measure.rows:,}" if measure.rows else ""
    rate = f"{measure.rows * measure.scaled / measure.best:,.0f}" if measure.rows else ""
    stored = f"{measure.stored_mib:,.0f}" if measure.stored_mib else ""
    computing = measure.stages.get("compute", 0.0)
    computed = f"{measure.rows / computing:,.0f}" if computing else ""
    star = "*" if measure.scaled != 1 else " "
    return (
        f"{measure.name:{WIDTH}}{measure.best:>8.2f}{star}{measure.middle:>9.2f}{star}"
        f"{min(measure.cpus):>8.2f}{measure.peak_mib or '':>7}{stored:>9}{rows:>12}{rate:>10}"
        f"{stages[0]:>8}{stages[1]:>11}{stages[2]:>9}{computed:>12}"
    )


def _table(title: str, ratios: Sequence[Ratio]) -> Iterator[str]:
    if ratios:
        yield ""
        yield title
        yield from (f"  {ratio.name:76}{ratio.value:>10.2f}" for ratio in ratios)
