"""The folder that a page's reader starts in."""

from __future__ import annotations

import fcntl
import re
import shlex
from contextlib import chdir
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT
from tests.docs.running import engine

DEMO = "demo.duckdb"


def demo_commands() -> list[list[str]]:
    """What `bin/demo` runs, once it has set up."""
    script = (ROOT / "bin/demo").read_text()
    return [shlex.split(line) for line in re.findall(r"^\.venv/bin/python -m engine (.*)$", script, re.MULTILINE)]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The store that `bin/demo` leaves; made once, whichever process asks first."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder if worker_id == "master" else folder.parent) / "demo"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            with chdir(folder):
                for arguments in demo_commands():
                    code, output, errors = engine(arguments)
                    assert code == 0, output + errors
            (folder / "made").touch()
    return folder / DEMO
