"""One benchmark, from pristine stores to findings."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from pathlib import Path

from engine.benchmarks import SECTIONS, sections
from engine.benchmarks.context import context
from engine.benchmarks.measurements import FORMAT, BenchmarkResults, Measurement
from engine.benchmarks.postgres_server import Server, server
from engine.benchmarks.sections import TRIAL
from engine.benchmarks.stores import PRISTINE, BenchmarkStore, DuckDBStore, ParquetStore, PostgresStore
from engine.benchmarks.workloads import BenchmarkPlan
from engine.core.errors import UsageError, nearest
from engine.core.progress import Quiet

NO_SERVER = "Postgres was left out: give --postgres URL, or pip install '.[test]', which brings one"
NO_PSQL = "Postgres' limit was left out: there is no psql"


def bench(
    sizes: BenchmarkPlan, wanted: Collection[str], postgres: str | None, told: Quiet
) -> BenchmarkResults:
    """Run the wanted sections. What ends badly is among the findings, and the rest goes on.

    Args:
        postgres: the URL of a server where databases may be made; default the wheel's.

    Raises:
        StoreUnreachableError: no server at the URL.
    """
    findings = BenchmarkResults(context())
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        found = stack.enter_context(server(postgres))
        stores = _stores(folder, found, findings)
        for section in (name for name in SECTIONS if name in wanted):
            told.stage(section)
            with findings.whatever_happens(section):
                _run(section, wanted, stores, sizes, findings)
        for store in stores:
            store.drop(TRIAL)
            store.drop(PRISTINE)
    findings.measures = {name: each for name, each in findings.measures.items() if each.walls}
    return findings


def _run(
    section: str,
    wanted: Collection[str],
    stores: Sequence[BenchmarkStore],
    sizes: BenchmarkPlan,
    findings: BenchmarkResults,
) -> None:
    match section:
        case "reference":
            sections.reference(stores, sizes, findings, engine=True, limit="limit" in wanted)
        case "limit" if "reference" not in wanted:
            sections.reference(stores, sizes, findings, engine=False, limit=True)
        case "loop":
            sections.loop(stores, sizes, findings)
        case "growth":
            sections.growth(stores, sizes, findings)
        case "daily":
            sections.daily(stores, sizes, findings)


def known(only: Collection[str] | None) -> Collection[str]:
    """The sections of a selection, all by default.

    Raises:
        UsageError: no section is called so.
    """
    for name in only or ():
        if name not in SECTIONS:
            raise UsageError(f"no section is called {name}{nearest(name, SECTIONS)}")
    return only or SECTIONS


def _stores(folder: Path, found: Server | None, findings: BenchmarkResults) -> list[BenchmarkStore]:
    files: list[BenchmarkStore] = [DuckDBStore(folder), ParquetStore(folder)]
    if found is None:
        findings.notes.append(NO_SERVER)
        return files
    findings.notes.append(found.described())
    if found.psql is None:
        findings.notes.append(NO_PSQL)
    return [files[0], PostgresStore(folder, found), files[1]]


def earlier(path: str) -> dict[str, Measurement]:
    """The measures of another benchmark's file.

    Raises:
        UsageError: there is no such file, or it is of another format.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be compared with: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UsageError(f"{path} holds no benchmark of format {FORMAT}")
    return {each["name"]: Measurement(**each) for each in content["measures"]}
