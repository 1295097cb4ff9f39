"""One run at a time: each kind of store has a lock, which the system releases when its process dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from engine.core.errors import StoreUnreachableError
from engine.core.store_url import StoreURL
from writers.file_lock import LockedError
from writers.open import writer_kind

__all__ = ["LockedError", "lock_holder", "store_lock"]


@contextmanager
def store_lock(url: str | StoreURL, wait: bool) -> Iterator[None]:
    """Hold a store for a run, so that no other run computes from rows that this one is changing.

    Readers are not kept out. The system releases the lock when the process dies.

    Args:
        url: The store.
        wait: Wait while another run holds the store, instead of raising a `LockedError`.
    """
    store = StoreURL.parse(url)
    with writer_kind(store).lock(store, wait):
        yield


def lock_holder(url: str | StoreURL) -> str | None:
    """Return who holds a store, None if nobody does. A run that begins in this moment is not disturbed."""
    store = StoreURL.parse(url)
    try:
        return writer_kind(store).holder(store)
    except StoreUnreachableError:
        return None  # a store that cannot be opened is not written
