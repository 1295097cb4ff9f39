"""Output of commands, to streams that may be full or closed."""

from __future__ import annotations

import os
import sys
from io import StringIO

from engine.core.errors import EngineError

STANDARD_ERROR = 2
"""Number of the last standard stream."""


class PrintError(EngineError):
    """A result that cannot be printed; to print it was all that the command had to do."""


def show(text: str, end: str = "\n") -> None:
    """Print the result of a command that only reads.

    Args:
        text: The result.
        end: What follows it.

    Raises:
        BrokenPipeError: The reader of standard output has closed it.
        PrintError: Standard output cannot be written.
    """
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        sys.stdout = StringIO()  # what it holds back would fail again when the process ends
        raise
    except (OSError, ValueError) as error:
        sys.stdout = StringIO()
        raise PrintError(f"the result cannot be printed: {reason(error)}") from error


def show_done(text: str) -> None:
    """Print the result of a command that has written something: if that fails, its exit code stays.

    Args:
        text: The result.
    """
    try:
        show(text)
    except (BrokenPipeError, PrintError) as error:
        remark(f"warning: the command is done, but its result cannot be printed: {reason(error)}")


def remark(text: str) -> None:
    """Print a line on standard error. If it is full or closed, the line is lost, and nothing else.

    Args:
        text: The line.
    """
    try:
        print(text, file=sys.stderr, flush=True)
    except (OSError, ValueError):
        sys.stderr = StringIO()


def reason(error: BaseException) -> str:
    """Return why a stream cannot be written, in the system's words.

    Args:
        error: What writing it raised, or its `PrintError`.
    """
    cause = error.__cause__ or error
    return getattr(cause, "strerror", None) or str(cause)


def open_closed_streams() -> None:
    """Open standard streams that the caller has closed, so that no file of a store gets their numbers."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= STANDARD_ERROR:
        pass
    os.close(number)
    sys.stdout = sys.stdout or StringIO()
    sys.stderr = sys.stderr or StringIO()
