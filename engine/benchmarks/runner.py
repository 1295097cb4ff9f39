"""Run a benchmark, from prepared stores to results."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from pathlib import Path

from engine.benchmarks import SECTIONS, sections
from engine.benchmarks.context import context
from engine.benchmarks.measurements import FORMAT, BenchmarkResults, Measurement
from engine.benchmarks.postgres_server import BenchmarkServer, server
from engine.benchmarks.sections import TRIAL
from engine.benchmarks.stores import PRISTINE, BenchmarkStore, DuckDBStore, ParquetStore, PostgresStore
from engine.benchmarks.workloads import BenchmarkPlan
from engine.core.documents import parsed, read_text
from engine.core.errors import UsageError, nearest
from engine.core.progress import Quiet

NO_SERVER = "Postgres was left out: give --postgres URL, or pip install '.[test]', which brings one"
NO_PSQL = "the limit of Postgres was left out: there is no psql"


def bench(
    plan: BenchmarkPlan, selected: Collection[str], postgres: str | None, progress: Quiet
) -> BenchmarkResults:
    """Run sections of the benchmark; record a run that fails, and go on with the others.

    A server that cannot be reached raises a StoreUnreachableError.

    Args:
        plan: workloads and rounds.
        selected: names of sections.
        postgres: URL of a server to make databases on; default one from the installed wheel.
        progress: shows the section that runs.

    Returns:
        The results of all sections.
    """
    results = BenchmarkResults(context())
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        stores = _stores(folder, stack.enter_context(server(postgres)), results)
        for section in (name for name in SECTIONS if name in selected):
            progress.stage(section)
            with results.failures_recorded(section):
                _run(section, selected, stores, plan, results)
        for store in stores:
            store.drop(TRIAL)
            store.drop(PRISTINE)
    results.measures = {name: measure for name, measure in results.measures.items() if measure.walls}
    return results


def _run(
    section: str,
    selected: Collection[str],
    stores: Sequence[BenchmarkStore],
    plan: BenchmarkPlan,
    results: BenchmarkResults,
) -> None:
    match section:
        case "reference":
            sections.reference(stores, plan, results, engine=True, limit="limit" in selected)
        case "limit" if "reference" not in selected:
            sections.reference(stores, plan, results, engine=False, limit=True)
        case "loop":
            sections.loop(stores, plan, results)
        case "growth":
            sections.growth(stores, plan, results)
        case "daily":
            sections.daily(stores, plan, results)
        case "layouts":
            sections.layouts(stores, plan, results)


def selected_sections(names: Collection[str] | None) -> Collection[str]:
    """Return the sections to run; all of them where no names are given.

    Args:
        names: as the user wrote them; None for all.

    Raises:
        UsageError: there is no such section.
    """
    for name in names or ():
        if name not in SECTIONS:
            raise UsageError(f"there is no section {name}{nearest(name, SECTIONS)}")
    return names or SECTIONS


def _stores(
    folder: Path, postgres: BenchmarkServer | None, results: BenchmarkResults
) -> list[BenchmarkStore]:
    files: list[BenchmarkStore] = [DuckDBStore(folder), ParquetStore(folder)]
    if postgres is None:
        results.notes.append(NO_SERVER)
        return files
    results.notes.append(postgres.described())
    if postgres.psql is None:
        results.notes.append(NO_PSQL)
    return [files[0], PostgresStore(folder, postgres), files[1]]


def earlier_measures(path: str) -> dict[str, Measurement]:
    """Return the measurements of another benchmark's results file, by name.

    Args:
        path: of the file.

    Raises:
        UsageError: there is no such file, or it has another format.
    """
    try:
        content = parsed(json.loads, read_text(Path(path)))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be compared with: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UsageError(f"{path} holds no benchmark of format {FORMAT}")
    return {measure["name"]: Measurement(**measure) for measure in content["measures"]}
