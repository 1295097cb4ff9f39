"""Work in a thread beside the caller's, where there is enough of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Made = TypeVar("Made")


@contextmanager
def beside(work: Callable[[], Made], large: bool) -> Iterator[Callable[[], Made]]:
    """Begin work in a thread; the end of the block waits for it, also when a signal ends the block.

    NumPy works without Python's lock, so that a second core can do a part of a large computation. In a small
    one two threads mostly wait for the lock, and take more processor time than they save.

    Args:
        work: What to do.
        large: Whether a thread is worth it; if not, the work is done when its result is asked for.

    Yields:
        A function that returns the result of the work, or raises what it raised.
    """
    if not large:
        yield work
        return
    with ThreadPoolExecutor(1, thread_name_prefix="beside") as thread:
        yield thread.submit(work).result
