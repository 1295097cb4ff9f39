"""The commands `collect` and `coverage`, and the store after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from engine.cli.main import main
from tests.market.conftest import TODAY
from tests.market.server import YahooServer
from tests.market.support import Stores, closes, expected, holding, listed, rows
from tests.stores.support import ROOT, command

SYMBOLS = [f"S{i:02}" for i in range(24)]
YEAR, YEAR_AGO = 273, date(2024, 5, 25)
UP_TO = ("--end", str(TODAY))
HANG_SECONDS = 120
"""A process that is not as far by then hangs."""
SLOW = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("postgres", "parquet")]


def _wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + HANG_SECONDS
    while not condition():
        assert time.monotonic() < until, "it hangs"
        time.sleep(0.02)


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["duckdb", *SLOW])
def test_the_run_after_a_killed_one_requests_the_rest(
    yahoo: YahooServer, store: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    url = holding(store(kind), *SYMBOLS)
    listings = listed(yahoo, *SYMBOLS)
    for symbol in SYMBOLS[16:]:
        yahoo.fail("slow", symbol, value=60)
    arguments = ["collect", "prices", "--from", url, "--symbols", ",".join(SYMBOLS), *UP_TO, "--quiet"]
    process = subprocess.Popen(
        [sys.executable, "-m", "engine", *arguments, "--rate", "25"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "ENGINE_BATCH_SIZE": str(YEAR)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    # With eight in flight, the sixteenth request starts after eight answers were processed.
    _wait_until(lambda: yahoo.counted().total() >= 16)
    process.send_signal(signal.SIGKILL)
    process.wait()
    stored = rows(url, "market_data_cache")["symbol"].value_counts()
    assert 0 < stored.height < len(SYMBOLS)
    assert set(stored["count"]) == {YEAR}, "whole series only"
    yahoo.heal()

    monkeypatch.chdir(tmp_path)
    assert main([*arguments, "--rate", "1000"]) == 0
    assert set(yahoo.counted()) == set(SYMBOLS) - set(stored["symbol"])
    for listing in listings:
        assert closes(url, listing.symbol) == expected(listing, TODAY, YEAR_AGO)


@pytest.mark.thorough
def test_an_interrupted_collection_ends_during_a_pause(
    yahoo: YahooServer, store: Stores, tmp_path: Path
) -> None:
    url = holding(store("duckdb"), *SYMBOLS)
    listed(yahoo, *SYMBOLS)
    yahoo.fail("429", after=8)
    arguments = ["collect", "prices", "--from", url, "--symbols", ",".join(SYMBOLS), *UP_TO]
    started = subprocess.Popen(
        [sys.executable, "-m", "engine", *arguments, "--rate", "1000", "--pause", "300"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    _wait_until(lambda: any(one.status == 429 for one in yahoo.asked))
    time.sleep(0.5)
    started.send_signal(signal.SIGINT)
    stderr = started.communicate(timeout=HANG_SECONDS)[1]  # well within the pause of 300 seconds
    assert started.returncode == 130
    # Eight that succeeded and, with eight in flight, those under way when the breaker opened.
    assert yahoo.counted().total() <= 8 + 8, "no request is sent during the pause"
    assert stderr.splitlines()[-1].startswith("interrupted")


@pytest.mark.thorough
def test_coverage_says_what_is_missing_and_why(
    yahoo: YahooServer, store: Stores, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = holding(store("duckdb"), "AAA")
    listed(yahoo, "AAA")
    names = ("--symbols", "AAA,GONE", *UP_TO)
    assert main(["coverage", url, *names]) == 1
    before = capsys.readouterr().out
    assert "coverage 0.00% of all cells, 0.00% on 2025-06-30" in before
    assert "not asked for yet" in before

    done = command(tmp_path, "collect", "prices", "--from", url, *names, "--rate", "1000")
    assert done.code == 1, "half of the symbols lack the session"
    assert "2 symbols, 2 asked for (1 not_found, 1 ok), coverage 50.00%" in done.out
    assert json.loads(done.results)["outcomes"] == {"not_found": 1, "ok": 1}

    assert main(["coverage", url, *names, "--json", "--threshold", "50"]) == 0
    coverage = json.loads(capsys.readouterr().out)
    assert (coverage["cells"], coverage["on_target"]) == (0.5, 0.5)
    by_symbol = {row["symbol"]: row for row in coverage["symbols"]}
    assert by_symbol["AAA"]["missing"] == 0
    assert by_symbol["GONE"]["missing"] == YEAR
    assert by_symbol["GONE"]["reason"].startswith("not_found: No data found")
    assert len(coverage["days"]) == YEAR
    assert all((row["due"], row["stored"]) == (2, 1) for row in coverage["days"])


@pytest.mark.parametrize(
    "arguments",
    [
        ("collect", "rumours"),
        ("collect", "prices", "--from", "URL", "--symbols", "SPY250117C00600000", "--quiet"),
        ("collect", "prices", "--from", "URL", "--start", "2025-06-30", "--end", "2025-06-02", "--quiet"),
        ("collect", "prices", "--from", "duckdb:///nowhere.duckdb", "--quiet"),
        ("collect", "prices", "--from", "URL", "--provider", "nobody", "--quiet"),
        ("coverage", "URL", "--threshold", "101"),
        ("daily", "--at", "noon"),
    ],
)
def test_wrong_usage_ends_with_2(
    yahoo: YahooServer,
    store: Stores,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
) -> None:
    url = holding(store("duckdb"), "AAA")
    monkeypatch.chdir(tmp_path)
    try:
        code: object = main([url if one == "URL" else one for one in arguments])
    except SystemExit as left:
        code = left.code
    assert code == 2
    assert not yahoo.asked
