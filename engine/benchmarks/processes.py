"""Run child processes and measure each from start to exit."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from engine.core.errors import EngineError

SOURCE = Path(__file__).parents[2]
"""The folder that holds the packages: a checkout, or site-packages."""
KIBIBYTES_A_MEBIBYTE = 1024
LINES_SHOWN = 12


class BenchError(EngineError, RuntimeError):
    """A child process that failed."""

    def __init__(self, arguments: Sequence[str], code: int, output: str) -> None:
        self.arguments, self.code = tuple(arguments), code
        last = "\n".join(output.splitlines()[-LINES_SHOWN:])
        super().__init__(f"{' '.join(arguments)} ended with {code}:\n{last}")


@dataclass(frozen=True)
class Process:
    """A process that succeeded.

    Attributes:
        wall: seconds by the clock.
        cpu: seconds of processor.
        peak_mib: peak resident memory in MiB.
        out: its stdout.
    """

    wall: float
    cpu: float
    peak_mib: int
    out: str = ""


def run(arguments: Sequence[str], folder: Path, keep_output: bool = True) -> Process:
    """Run a command in a folder, with the packages of this engine and none of its settings.

    Args:
        arguments: the command and its arguments.
        folder: its current folder.
        keep_output: return stdout instead of dropping it.

    Returns:
        What the process took, and its stdout.

    Raises:
        BenchError: it exited with a code other than 0.
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
        # Not Popen.wait: only wait4 returns the processor time and memory of this one child.
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise BenchError(arguments, child.returncode, _text(out) + _text(errors))
        cpu = used.ru_utime + used.ru_stime
        return Process(wall, cpu, used.ru_maxrss // KIBIBYTES_A_MEBIBYTE, _text(out))


def engine_command(*arguments: str) -> list[str]:
    """Return a command of the engine in the interpreter of this process."""
    return [sys.executable, "-m", "engine", *arguments]


def _environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ENGINE_")}
    paths = [str(SOURCE), *filter(None, [kept.get("PYTHONPATH")])]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths)}


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
