"""Child processes: what each took, from start to exit."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.core.errors import EngineError

SOURCE = Path(__file__).parents[2]
"""The folder that holds the packages: a checkout, or site-packages."""
KIBIBYTES_A_MEBIBYTE = 1024
LINES_TOLD = 12


class BenchError(EngineError, RuntimeError):
    """A child process that did not end well."""

    def __init__(self, arguments: Sequence[str], code: int, told: str) -> None:
        self.arguments, self.code = tuple(arguments), code
        last = "\n".join(told.splitlines()[-LINES_TOLD:])
        super().__init__(f"{' '.join(arguments)} ended with {code}:\n{last}")


@dataclass(frozen=True)
class Process:
    """A process that ended well: seconds by the clock and of processor, most memory, stdout."""

    wall: float
    cpu: float
    peak_mib: int
    out: str = ""


def run(arguments: Sequence[str], folder: Path, keep_output: bool = True) -> Process:
    """Run a command in a folder, with this engine's packages and none of its settings.

    Raises:
        BenchError: it ended with another code than 0.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        child = subprocess.Popen(
            arguments,
            cwd=folder,
            env=_environment(),
            stdout=out if keep_output else subprocess.DEVNULL,
            stderr=errors,
        )
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise BenchError(arguments, child.returncode, _text(out) + _text(errors))
        cpu = used.ru_utime + used.ru_stime
        return Process(wall, cpu, used.ru_maxrss // KIBIBYTES_A_MEBIBYTE, _text(out))


def engine_command(*arguments: str) -> list[str]:
    """A command of the engine, in the interpreter that runs this."""
    return [sys.executable, "-m", "engine", *arguments]


def _environment() -> dict[str, str]:
    known = {key: value for key, value in os.environ.items() if not key.startswith("ENGINE_")}
    paths = [str(SOURCE), *filter(None, [known.get("PYTHONPATH")])]
    return {**known, "PYTHONPATH": os.pathsep.join(paths)}


def _text(file: object) -> str:
    file.seek(0)  # type: ignore[attr-defined]
    return str(file.read().decode(errors="replace"))  # type: ignore[attr-defined]
