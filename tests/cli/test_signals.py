"""A command that a signal ends has the signal's exit code, whatever error a library makes of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from engine.cli.signals import INTERRUPTED, TERMINATED, ending_on_signals, signal_code
from tests.conftest import ROOT

SCRIPT = """
import sys, duckdb
from engine.cli import main
def query(options):
    print("ready", flush=True)
    duckdb.sql("select sum(a.range * b.range) from range(10000000) a, range(10000000) b").fetchall()
main._run = query
sys.exit(main.main(["status", "duckdb:///x"]))
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, INTERRUPTED), (signal.SIGTERM, TERMINATED)])
def test_the_signal_counts_not_the_error(number: signal.Signals, code: int) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt, match=number.name), ending_on_signals():
        signal.raise_signal(number)
    assert signal.getsignal(number) == before
    assert signal_code(RuntimeError("Query interrupted")) == signal_code(KeyboardInterrupt()) == code


def test_without_a_signal_an_error_is_an_error() -> None:
    with ending_on_signals():
        pass
    assert signal_code(RuntimeError()) is None
    assert signal_code(KeyboardInterrupt()) == INTERRUPTED


def test_an_ignored_interrupt_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with ending_on_signals():
            os.kill(os.getpid(), signal.SIGINT)
        assert signal_code(RuntimeError()) is None
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_is_ended_in_a_query_of_duckdb(number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number, errors
    assert errors.splitlines()[-1].endswith(": nothing of an open transaction was written")
