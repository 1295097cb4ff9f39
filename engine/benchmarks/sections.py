"""The sections of a benchmark: each takes its measures and puts them among the findings."""

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
TRIAL, HISTORY = "trial", "history"
ONE_DAY = timedelta(days=1)
BYTES_A_MEBIBYTE = 2**20
ROUNDS_UP_TO = 10
"""Portfolios of a world of which several rounds are worth their time."""


def backfill(
    store: BenchmarkStore, url: str, world: Workload, start: date, end: date, measure: Measurement
) -> None:
    """One run of the engine's command, added to a measure."""
    command = engine_command("backfill", "--from", url, *world.days(start, end), "--json", "--quiet")
    took = run(command, store.folder)
    record = json.loads(took.out)
    measure.rows = sum(record["rows"].values())
    measure.add(took.wall, took.cpu, took.peak_mib, **record["seconds"])


def fresh(store: BenchmarkStore, world: Workload, measure: Measurement) -> None:
    """The whole window computed in a fresh copy of the pristine store, which stays as it then is."""
    backfill(store, store.copy(PRISTINE, TRIAL), world, world.start, world.end, measure)
    grown = store.size(TRIAL) - store.size(PRISTINE)
    measure.stored_mib = round(grown / BYTES_A_MEBIBYTE, 2)


def reference(
    stores: Sequence[BenchmarkStore],
    sizes: BenchmarkPlan,
    findings: BenchmarkResults,
    engine: bool,
    limit: bool,
) -> None:
    """The reference window: the engine, the same again over its own rows, and the limit, in turn.

    A store's rounds are done before the next one's: a server goes on working for minutes after a load.
    What the last round wrote is left in each store, for whoever wants to look at it.

    Args:
        engine, limit: which of them; the limit's rows are the engine's, so that runs once at least.
    """
    world = sizes.reference
    for store in stores:
        _made(store, world, findings)
        for turn in range(sizes.rounds):
            first = _measure(findings, "reference", store, world, "first")
            if engine or turn == 0:
                fresh(store, world, first)
            if limit:
                _limit(store, world, findings, "reference")
            if engine:
                again = _measure(findings, "reference", store, world, "again")
                backfill(store, store.url(TRIAL), world, world.start, world.end, again)


def growth(stores: Sequence[BenchmarkStore], sizes: BenchmarkPlan, findings: BenchmarkResults) -> None:
    """Ever more portfolios: what each store takes, and its limit."""
    for store in stores:
        for world in sizes.growth[store.kind]:
            with findings.whatever_happens(f"growth/{store.kind}/{world.label}"):
                _grown(store, world, sizes, findings)
            store.drop(TRIAL)


def _grown(store: BenchmarkStore, world: Workload, sizes: BenchmarkPlan, findings: BenchmarkResults) -> None:
    _made(store, world, findings)
    for _ in range(_rounds(world, sizes)):
        measure = _measure(findings, "growth", store, world, "first")
        fresh(store, world, measure)
        _limit(store, world, findings, "growth")


def _rounds(world: Workload, sizes: BenchmarkPlan) -> int:
    return sizes.rounds if world.portfolios <= ROUNDS_UP_TO else 1


def daily(stores: Sequence[BenchmarkStore], sizes: BenchmarkPlan, findings: BenchmarkResults) -> None:
    """The last session alone, in a store that holds the days before it."""
    for store in stores:
        for world in sizes.daily[store.kind]:
            with findings.whatever_happens(f"daily/{store.kind}/{world.label}"):
                _one_day(store, world, sizes, findings)
            store.drop(TRIAL)
            store.drop(HISTORY)


def _one_day(
    store: BenchmarkStore, world: Workload, sizes: BenchmarkPlan, findings: BenchmarkResults
) -> None:
    _made(store, world, findings)
    before = last_session(world.end - ONE_DAY)
    history = store.copy(PRISTINE, HISTORY)
    backfill(store, history, world, sizes.history, before, Measurement("history", 0, 0))
    for _ in range(_rounds(world, sizes)):
        measure = _measure(findings, "daily", store, world, "one session", 1)
        backfill(store, store.copy(HISTORY, TRIAL), world, world.end, world.end, measure)


def loop(stores: Sequence[BenchmarkStore], sizes: BenchmarkPlan, findings: BenchmarkResults) -> None:
    """The old way over the window's first sessions, in turn and with asyncio, held to the engine.

    It is a part of a checkout's tests, runs on Postgres, and is left out where either is missing.
    """
    store = next((store for store in stores if store.kind == "postgres"), None)
    if store is None:
        return
    if not (SOURCE / LOOP.replace(".", "/")).is_dir():
        findings.notes.append("the loop was left out: it is in a checkout's tests")
        return
    world = sizes.reference
    _made(store, world, findings)
    engine = _measure(findings, "loop", store, world, "the engine")
    expected = store.copy(PRISTINE, "engine")
    backfill(store, expected, world, world.start, world.end, engine)
    days = sessions(world.start, world.end)
    for way in ("in turn", "asyncio"):
        url = store.copy(PRISTINE, TRIAL)
        words = [url, expected, *world.days(days[0], days[sizes.loop_sessions - 1]), "--way", way]
        found = json.loads(run([sys.executable, "-m", LOOP, *words], store.folder).out)
        measure = _measure(findings, "loop", store, world, way)
        measure.rows, measure.scaled = found["rows"], len(days) / sizes.loop_sessions
        measure.add(found["seconds"], found["cpu"], found["peak_mib"])
        findings.notes.append(f"the loop, {way}, {sizes.loop_sessions} sessions: {found['told']}")
    store.drop("engine")
    store.drop(TRIAL)


def _made(store: BenchmarkStore, world: Workload, findings: BenchmarkResults) -> None:
    took = store.make(world)
    _measure(findings, "demo", store, world, "made").add(took.wall, took.cpu, took.peak_mib)


def _limit(store: BenchmarkStore, world: Workload, findings: BenchmarkResults, section: str) -> None:
    """The bare write of what the engine has just written, and the bare read of what it read."""
    if not store.has_limit:
        return
    written, read = store.bare_write(TRIAL), store.bare_read(PRISTINE, world)
    put = _measure(findings, section, store, world, "bare write")
    put.rows = written.rows
    put.add(written.wall, written.cpu)
    _measure(findings, section, store, world, "bare read").add(read.wall, read.cpu)


def _measure(
    findings: BenchmarkResults, section: str, store: BenchmarkStore, world: Workload, what: str, days: int = 0
) -> Measurement:
    name = f"{section}/{store.kind}/{world.label}/{what}"
    return findings.measure(name, world.portfolios, days or len(sessions(world.start, world.end)))
