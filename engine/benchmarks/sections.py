"""The sections of a benchmark: each adds its measurements to the results."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import date, timedelta

from engine.benchmarks.measurements import BenchmarkResults, Measurement
from engine.benchmarks.processes import SOURCE, engine_command, run
from engine.benchmarks.stores import PRISTINE, BenchmarkStore
from engine.benchmarks.workloads import BenchmarkPlan, Workload
from engine.core.calendar import last_session, sessions

LOOP = "tests.benchmarks.loop"
TRIAL, HISTORY, COMPACT = "trial", "history", "compact"
ONE_DAY = timedelta(days=1)
BYTES_A_MEBIBYTE = 2**20
ROUNDS_UP_TO = 10
"""Portfolios up to which a workload runs several rounds; larger ones run once, for their length."""


def backfill(
    store: BenchmarkStore, url: str, workload: Workload, start: date, end: date, measure: Measurement
) -> None:
    """Run `engine backfill` once over a window of a store, and add the round to a measurement.

    Args:
        store: in whose folder the process runs.
        url: of the store to read and write.
        workload: run date and portfolios.
        start: first day.
        end: last day.
        measure: to which the round is added.
    """
    days = workload.date_options(start, end)
    took = run(engine_command("backfill", "--from", url, *days, "--json", "--quiet"), store.folder)
    record = json.loads(took.out)
    measure.rows = sum(record["rows"].values())
    measure.add(took.wall, took.cpu, took.peak_mib, **record["seconds"])


def first_run(
    store: BenchmarkStore, workload: Workload, measure: Measurement, source: str = PRISTINE
) -> None:
    """Compute the whole window in a fresh copy of the prepared store, and keep the copy as TRIAL.

    Args:
        store: with a prepared PRISTINE.
        workload: the window.
        measure: to which the round and the growth of the store and of its log in MiB are added.
        source: name of the prepared store.
    """
    url, logged = store.copy(source, TRIAL), store.log_position()
    backfill(store, url, workload, workload.start, workload.end, measure)
    measure.log_mib = round((store.log_position() - logged) / BYTES_A_MEBIBYTE, 2)
    grown = store.size(TRIAL) - store.size(source)
    measure.stored_mib = round(grown / BYTES_A_MEBIBYTE, 2)


def reference(
    stores: Sequence[BenchmarkStore],
    plan: BenchmarkPlan,
    results: BenchmarkResults,
    engine: bool,
    limit: bool,
) -> None:
    """Measure the reference window: the engine, the engine over its own rows, and the limit.

    All rounds of a store run before those of the next, because a server goes on working for
    minutes after a load. The rows of the last round stay in each store.

    Args:
        stores: one per kind.
        plan: workload and rounds.
        results: receives the measurements.
        engine: measure the engine. Without it the engine still runs once: the limit needs its rows.
        limit: measure the limit.
    """
    workload = plan.reference
    for store in stores:
        _make(store, workload, results)
        for turn in range(plan.rounds):
            first = _measure(results, "reference", store, workload, "first")
            if engine or turn == 0:
                first_run(store, workload, first)
            if limit:
                _limit(store, workload, results, "reference")
            if engine:
                again = _measure(results, "reference", store, workload, "again")
                backfill(store, store.url(TRIAL), workload, workload.start, workload.end, again)


def growth(stores: Sequence[BenchmarkStore], plan: BenchmarkPlan, results: BenchmarkResults) -> None:
    """Measure each store and its limit with a growing number of portfolios.

    Args:
        stores: one of each kind.
        plan: workloads by kind of store.
        results: to which measurements and failures are added.
    """
    for store in stores:
        for workload in plan.growth[store.kind]:
            with results.failures_recorded(f"growth/{store.kind}/{workload.label}"):
                _make(store, workload, results)
                for _ in range(_rounds(workload, plan)):
                    measure = _measure(results, "growth", store, workload, "first")
                    first_run(store, workload, measure)
                    _limit(store, workload, results, "growth")
            store.drop(TRIAL)


def _rounds(workload: Workload, plan: BenchmarkPlan) -> int:
    return plan.rounds if workload.portfolios <= ROUNDS_UP_TO else 1


def daily(stores: Sequence[BenchmarkStore], plan: BenchmarkPlan, results: BenchmarkResults) -> None:
    """Measure the last session alone, in a store that holds the days before it.

    Args:
        stores: one of each kind.
        plan: workloads by kind of store.
        results: to which measurements and failures are added.
    """
    for store in stores:
        for workload in plan.daily[store.kind]:
            with results.failures_recorded(f"daily/{store.kind}/{workload.label}"):
                _one_session(store, workload, plan, results)
            store.drop(TRIAL)
            store.drop(HISTORY)


def _one_session(
    store: BenchmarkStore, workload: Workload, plan: BenchmarkPlan, results: BenchmarkResults
) -> None:
    _make(store, workload, results)
    before = last_session(workload.end - ONE_DAY)
    history = store.copy(PRISTINE, HISTORY)
    # A measurement that is not in the results: this run only prepares the days before.
    backfill(store, history, workload, plan.history, before, Measurement("history", 0, 0))
    for _ in range(_rounds(workload, plan)):
        measure = _measure(results, "daily", store, workload, "one session", 1)
        backfill(store, store.copy(HISTORY, TRIAL), workload, workload.end, workload.end, measure)


def layouts(stores: Sequence[BenchmarkStore], plan: BenchmarkPlan, results: BenchmarkResults) -> None:
    """Measure the whole window in both layouts, and the bare write of the legacy layout's rows.

    Args:
        stores: one of each kind; a folder of files has one layout only.
        plan: workloads by kind of store.
        results: to which measurements and failures are added.
    """
    for store in stores:
        for workload in plan.layouts.get(store.kind, ()):
            with results.failures_recorded(f"layouts/{store.kind}/{workload.label}"):
                _make(store, workload, results)
                run(engine_command("layout", store.copy(PRISTINE, COMPACT), "compact"), store.folder)
                for _ in range(_rounds(workload, plan)):
                    compact = _measure(results, "layouts", store, workload, "compact")
                    first_run(store, workload, compact, COMPACT)
                    first_run(store, workload, _measure(results, "layouts", store, workload, "first"))
                    _limit(store, workload, results, "layouts")
            store.drop(TRIAL)
            store.drop(COMPACT)


def loop(stores: Sequence[BenchmarkStore], plan: BenchmarkPlan, results: BenchmarkResults) -> None:
    """Measure the legacy way over the window's first sessions, and check it against the engine.

    The loop belongs to the tests of a checkout and runs on Postgres; without either it is left out.

    Args:
        stores: only the Postgres one is used.
        plan: the reference workload and the loop's last day.
        results: to which measurements, notes and failures are added.
    """
    store = next((store for store in stores if store.kind == "postgres"), None)
    if store is None:
        return
    if not (SOURCE / LOOP.replace(".", "/")).is_dir():
        results.notes.append("the loop was left out: it is part of a checkout's tests")
        return
    workload = plan.reference
    _make(store, workload, results)
    engine = _measure(results, "loop", store, workload, "the engine")
    expected = store.copy(PRISTINE, "engine")
    backfill(store, expected, workload, workload.start, workload.end, engine)
    for way in ("in turn", "asyncio"):
        _loop_run(store, expected, way, plan, results)
    store.drop("engine")
    store.drop(TRIAL)


def _loop_run(
    store: BenchmarkStore, expected: str, way: str, plan: BenchmarkPlan, results: BenchmarkResults
) -> None:
    workload = plan.reference
    days = sessions(workload.start, workload.end)
    window = workload.date_options(days[0], days[plan.loop_sessions - 1])
    words = [store.copy(PRISTINE, TRIAL), expected, *window, "--way", way]
    content = json.loads(run([sys.executable, "-m", LOOP, *words], store.folder).out)
    measure = _measure(results, "loop", store, workload, way)
    measure.rows, measure.scaled = content["rows"], len(days) / plan.loop_sessions
    measure.add(content["seconds"], content["cpu"], content["peak_mib"])
    results.notes.append(f"the loop, {way}, {plan.loop_sessions} sessions: {content['note']}")


def _make(store: BenchmarkStore, workload: Workload, results: BenchmarkResults) -> None:
    took = store.make(workload)
    _measure(results, "demo", store, workload, "made").add(took.wall, took.cpu, took.peak_mib)


def _limit(store: BenchmarkStore, workload: Workload, results: BenchmarkResults, section: str) -> None:
    """Measure the bare write of what the engine has just written, and the bare read of its inputs."""
    if not store.has_limit:
        return
    written, read = store.bare_write(TRIAL), store.bare_read(PRISTINE, workload)
    write = _measure(results, section, store, workload, "bare write")
    write.rows = written.rows
    write.add(written.wall, written.cpu)
    _measure(results, section, store, workload, "bare read").add(read.wall, read.cpu)


def _measure(
    results: BenchmarkResults,
    section: str,
    store: BenchmarkStore,
    workload: Workload,
    what: str,
    days: int = 0,
) -> Measurement:
    name = f"{section}/{store.kind}/{workload.label}/{what}"
    return results.measure(name, workload.portfolios, days or len(sessions(workload.start, workload.end)))
