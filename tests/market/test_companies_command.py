"""`engine collect profiles` and `fundamentals` as processes: exit codes, a kill, the run after it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.market.companies import company
from tests.market.holdings import hold, stored
from tests.market.server import SUMMARY, YahooServer
from tests.market.test_fundamentals import reporting
from tests.stores.support import ROOT, command

HANG_SECONDS = 120
FAST = ("--rate", "10000", "--pause", "1")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["profiles", "fundamentals"])
def test_a_killed_run_keeps_its_groups_and_the_next_requests_the_rest(
    yahoo: YahooServer, tmp_path: Path, kind: str
) -> None:
    symbols = [f"S{number:02}" for number in range(30)]
    for symbol in symbols:
        yahoo.world.add(reporting(symbol))
    for symbol in symbols[12:]:
        yahoo.fail("slow", symbol, path=SUMMARY, value=60)
    url = hold(f"parquet:///{tmp_path}/store", *symbols)
    line = [sys.executable, "-m", "engine", "collect", kind, "--from", url, "--quiet", *FAST]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(line, cwd=tmp_path, env=environment) as process:
        _wait_for(tmp_path / "store" / "company_profiles.parquet", url, 10)
        process.kill()
    committed = set(stored(url, "company_profiles"))
    assert len(committed) == 10
    yahoo.heal()

    ended = command(tmp_path, "collect", kind, "--from", url, "--json", "--quiet", *FAST)

    assert ended.code == 0, ended.everything
    assert json.loads(ended.out)["outcomes"] == {"ok": 20}
    assert set(yahoo.counted(SUMMARY)) == set(symbols) - committed
    assert set(stored(url, "company_profiles")) == set(symbols)


def _wait_for(file: Path, url: str, rows: int) -> None:
    until = time.monotonic() + HANG_SECONDS
    while time.monotonic() < until:
        if file.exists() and len(stored(url, "company_profiles")) >= rows:
            return
        time.sleep(0.2)
    raise AssertionError(f"no group was committed within {HANG_SECONDS} s")


@pytest.mark.slow
def test_too_low_a_coverage_is_exit_code_1(yahoo: YahooServer, tmp_path: Path) -> None:
    for symbol in ("AAA", "BBB"):
        yahoo.world.add(company(symbol))
    url = hold(f"duckdb:///{tmp_path}/held.duckdb", "AAA", "BBB")
    yahoo.fail("404", "BBB", path=SUMMARY)
    arguments = ("collect", "profiles", "--from", url, "--quiet", *FAST)
    ended = command(tmp_path, *arguments)
    assert (ended.code, list(stored(url, "company_profiles"))) == (1, ["AAA"])
    assert "BBB: not_found" in ended.out
    assert command(tmp_path, *arguments, "--threshold", "50").code == 0
