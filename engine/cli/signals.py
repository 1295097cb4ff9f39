"""SIGTERM, by which systemd, cron wrappers and containers stop a run: it ends as after Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_CODE = 128 + signal.SIGTERM
"""143, as a shell reports of a process that SIGTERM ended."""


class TerminatedError(KeyboardInterrupt):
    """The process was told to end. All that handles Ctrl-C handles it in the same way."""

    def __init__(self) -> None:
        super().__init__("by SIGTERM")


@contextmanager
def ending_on_sigterm() -> Iterator[None]:
    """Raise a `TerminatedError` in the block when SIGTERM arrives.

    A second one does not disturb the clean-up.

    Yields:
        Nothing; the handler is set, if this is the main thread of the process.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _raise)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _raise(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise TerminatedError
