"""Transactions of several processes in one store: of one part in turn, of others side by side, or alone."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from loaders.parquet.journal import commit
from writers import LockScope, open_writer

PATIENCE_SECONDS = 10
A_MOMENT = 0.3
"""Long enough for a transaction that does not wait to have begun."""
EXCLUSIVE = LockScope()


def begins(url: str, lock: LockScope | None) -> tuple[Event, Thread]:
    """A transaction in another connection: an event that tells when it has begun."""
    begun = Event()

    def transact() -> None:
        with open_writer(url) as writer, writer.transaction(lock):
            begun.set()

    thread = Thread(target=transact)
    thread.start()
    return begun, thread


@pytest.mark.parametrize(
    ("first", "second", "waits"),
    [
        (LockScope("a"), LockScope("a"), True),
        (LockScope("a"), LockScope("b"), False),
        (LockScope("a"), EXCLUSIVE, True),
        (EXCLUSIVE, LockScope("a"), True),
        (EXCLUSIVE, EXCLUSIVE, True),
        (EXCLUSIVE, None, False),
    ],
)
def test_postgres_keeps_parts_apart(
    postgres_url: str, first: LockScope, second: LockScope | None, waits: bool
) -> None:
    with open_writer(postgres_url) as writer:
        with writer.transaction(first):
            begun, thread = begins(postgres_url, second)
            assert begun.wait(A_MOMENT if waits else PATIENCE_SECONDS) is not waits
        assert begun.wait(PATIENCE_SECONDS)
        thread.join()


@pytest.mark.parametrize("second", [LockScope("a"), LockScope("b"), EXCLUSIVE])
def test_a_folder_takes_one_at_a_time(tmp_path: Path, second: LockScope) -> None:
    url = f"parquet:///{tmp_path}/store"
    with open_writer(url) as writer:
        with writer.transaction(LockScope("a")):
            begun, thread = begins(url, second)
            assert not begun.wait(A_MOMENT)
        assert begun.wait(PATIENCE_SECONDS)
        thread.join()


def test_in_a_folder_a_turn_lasts_until_the_commit_is_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"parquet:///{tmp_path}/store"
    waiting: list[tuple[Event, Thread]] = []

    def watched(*arguments: Any) -> None:
        waiting.append(begins(url, EXCLUSIVE))
        assert not waiting[0][0].wait(A_MOMENT)
        monkeypatch.undo()
        commit(*arguments)

    monkeypatch.setattr("writers.parquet.commit", watched)
    with open_writer(url) as writer, writer.transaction(EXCLUSIVE):
        writer.create_missing(["users"])
    begun, thread = waiting[0]
    assert begun.wait(PATIENCE_SECONDS)
    thread.join()


def test_a_turn_ends_with_a_transaction_that_is_refused(tmp_path: Path, postgres_url: str) -> None:
    for url in (f"parquet:///{tmp_path}/store", postgres_url):
        with open_writer(url) as writer:
            with pytest.raises(ValueError, match="no"), writer.transaction(EXCLUSIVE):
                raise ValueError("no")
            begun, thread = begins(url, EXCLUSIVE)
            assert begun.wait(PATIENCE_SECONDS)
            thread.join()


def held_until_killed(url: str, tell: Connection) -> None:
    with open_writer(url) as writer, writer.transaction(EXCLUSIVE):
        tell.send(os.getpid())
        signal.pause()


def killed(url: str, meanwhile: Callable[[], None]) -> None:
    """A process that is killed in its turn, after something else was done."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=held_until_killed, args=(url, there))
    process.start()
    here.recv()
    meanwhile()
    process.kill()
    process.join()
    for end in (here, there):
        end.close()


@pytest.mark.parametrize("kind", ["parquet", "postgres"])
def test_a_turn_ends_with_its_process(kind: str, tmp_path: Path, postgres_url: str) -> None:
    url = f"parquet:///{tmp_path}/store" if kind == "parquet" else postgres_url
    waiting: list[tuple[Event, Thread]] = []

    def wait() -> None:
        waiting.append(begins(url, LockScope("a")))
        assert not waiting[0][0].wait(A_MOMENT)

    killed(url, wait)
    begun, thread = waiting[0]
    assert begun.wait(PATIENCE_SECONDS)
    thread.join()
