"""Ctrl-C, and SIGTERM, by which systemd, cron wrappers and containers stop a run: both end it in one way."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 128 + signal.SIGINT
"""130, as a shell reports of a process that Ctrl-C ended."""
TERMINATED = 128 + signal.SIGTERM
"""143, as a shell reports of a process that SIGTERM ended."""
_arrived: list[int] = []
"""Numbers of the signals that arrived in the block of `ending_on_signals`."""


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Raise KeyboardInterrupt in the block when SIGINT or SIGTERM arrives.

    A second SIGTERM does not disturb the clean-up. A SIGINT that the parent ignores, as a shell does for a
    job in the background, stays ignored.

    Yields:
        Nothing; the handlers are set, if this is the main thread of the process.
    """
    _arrived.clear()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number, handler in before.items():
        if number == signal.SIGTERM or handler != signal.SIG_IGN:
            signal.signal(number, _raise)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def signal_code(error: BaseException) -> int | None:
    """Return the exit code of a command that a signal ended; None if the error has another cause.

    Libraries put errors of their own in the place of the interrupt: DuckDB a RuntimeError, Ray a new
    KeyboardInterrupt. So the signal that arrived counts, whatever the error.

    Args:
        error: That ended the command.
    """
    if _arrived:
        return 128 + _arrived[0]
    return INTERRUPTED if isinstance(error, KeyboardInterrupt) else None


def _raise(number: int, frame: FrameType | None) -> None:
    _arrived.append(number)
    if number == signal.SIGTERM:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt(f"by {signal.Signals(number).name}")
