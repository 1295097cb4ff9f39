"""Database files attached to one DuckDB, in a process that is the engine's alone.

A run opens its file twice, and DuckDB takes longer to start than to read a small file. So a command starts
one in a thread, while it imports what it needs besides, and attaches its files to it. Where other code may
open the same files, in a notebook or a test, `duckdb.connect` is the way. File locks are a process's: whoever
closes one of two handles of a file lets other processes in, and `duckdb.connect` has one handle for all.
"""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from threading import Lock
from typing import NamedTuple

import duckdb

from sql import Name, Query, statement

Settings = dict[str, str | bool | int | float | list[str]]
READ_ONLY = "read_only"
MEMORY = Name("memory")
"""DuckDB's name of the database without a file."""


class File(NamedTuple):
    """An attached file.

    Attributes:
        name: Of its database.
        spill: Folder that DuckDB makes for what does not fit in memory; empty where it was there before.
    """

    name: Name
    spill: str


class AttachedFiles:
    """The DuckDB of a process, and the files that are attached to it."""

    def __init__(self, settings: Settings) -> None:
        """Begin to start DuckDB in a thread.

        Args:
            settings: Of the database.
        """
        self.process = os.getpid()
        self._settings = settings
        self._numbers = count(1)
        self._changing = Lock()
        self._open: dict[int, File] = {}
        self._users: Counter[Name] = Counter()
        self._readable: dict[tuple[int, int], Name] = {}
        self._database = self._start()

    def attach(self, path: str, options: str) -> duckdb.DuckDBPyConnection:
        """Return a connection to a file.

        Args:
            path: Of the file.
            options: `READ_ONLY`, or others of the statement.

        Returns:
            The connection; `detach` ends it.

        Raises:
            duckdb.Error: The file cannot be opened.
        """
        spill = f"{path}.tmp"
        there = os.path.isdir(spill)
        connection = self._database.result().cursor()
        try:
            with self._changing:
                name = self._attached(connection, path, options)
                connection.execute(statement("session/use", name=name))
                self._users[name] += 1
                self._open[id(connection)] = File(name, "" if there else spill)
            with suppress(duckdb.NotImplementedException):  # something of another file is in its folder
                connection.execute(statement("session/spill", path=spill))
        except BaseException:
            self.detach(connection)
            connection.close()
            raise
        return connection

    def detach(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Close a connection's file if no other connection uses it; a connection of others is left alone.

        Args:
            connection: From `attach`, to be closed by the caller.
        """
        file = self._open.pop(id(connection), None)
        if file is None:
            return
        try:
            with suppress(duckdb.TransactionException):  # usually there is none
                connection.rollback()
            connection.execute(statement("session/use", name=MEMORY))
            with self._changing:
                self._users[file.name] -= 1
                if not self._users[file.name]:
                    connection.execute(statement("session/detach", name=file.name))
            if file.spill and os.path.isdir(file.spill):
                self._restart()
        except duckdb.Error:  # an earlier one has closed the database
            self._restart()

    def _attached(self, connection: duckdb.DuckDBPyConnection, path: str, options: str) -> Name:
        """Attach a file, unless a reader has it already."""
        if options == READ_ONLY:
            status = os.stat(path)
            place = status.st_dev, status.st_ino
            if self._users[self._readable.get(place, MEMORY)]:
                return self._readable[place]
        name = Name(f"engine_store_{next(self._numbers)}")
        connection.execute(statement("session/attach", path=path, name=name, options=Query(options)))
        if options == READ_ONLY:
            self._readable[place] = name
        return name

    def _restart(self) -> None:
        """Start anew; the database before ends with its last connection, and removes what it has spilled."""
        self._users.clear()
        self._readable.clear()
        self._database = self._start()

    def _start(self) -> Future[duckdb.DuckDBPyConnection]:
        thread = ThreadPoolExecutor(1, thread_name_prefix="duckdb")
        database = thread.submit(duckdb.connect, ":memory:", config=self._settings)
        thread.shutdown(wait=False)
        return database
