"""A command without one optimisation is the command, and switches the optimisation off before it runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engine.cli import main as command_line
from tests.benchmarks import without


def test_the_command_switches_the_optimisation_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setitem(without.WITHOUT, "this", lambda: calls.append("off"))  # type: ignore[arg-type]
    monkeypatch.setattr(without, "run", lambda: command_line.main(own_process=True))
    monkeypatch.setattr(command_line, "start_early", command_line.start_early)  # put back at the end
    monkeypatch.setattr(sys, "argv", ["without", "this", "backfill", "--from", f"parquet:///{tmp_path}/none"])
    monkeypatch.chdir(tmp_path)
    assert without.main() == 2
    assert calls == ["off"]
