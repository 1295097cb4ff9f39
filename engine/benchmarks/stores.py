"""Stores that the benchmark measures: a prepared one of each kind, and copies of it."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from engine.benchmarks.limits import OUTPUTS, StoreTime, read_statements, store_time
from engine.benchmarks.postgres_server import BenchmarkServer
from engine.benchmarks.processes import Process, engine_command, run
from engine.benchmarks.workloads import Workload
from sql import Name, Query, statement

PRISTINE = "pristine"
"""Name of the prepared store: a workload's inputs, and no results."""


class BenchmarkStore(ABC):
    """Stores of one kind, by name, in a folder or on a server of the benchmark's own."""

    kind: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def has_limit(self) -> bool:
        """Return whether the store alone can be timed."""
        return True

    def make(self, workload: Workload) -> Process:
        """Prepare the store PRISTINE with a workload's inputs."""
        self.drop(PRISTINE)
        self._create(PRISTINE)
        made = run(engine_command(*workload.command(self.url(PRISTINE))), self.folder)
        self._settle(PRISTINE)
        return made

    def _create(self, name: str) -> None:  # noqa: B027  writing creates files
        """Create what must exist before a store is written."""

    def _settle(self, name: str) -> None:  # noqa: B027  files have no background work
        """Finish the background work of a written store, so that its copies are alike."""

    @abstractmethod
    def url(self, name: str) -> str:
        """Return the URL of a store."""

    @abstractmethod
    def copy(self, source: str, target: str) -> str:
        """Copy a store that nobody has open.

        Args:
            source: name of the store.
            target: name of the copy; an existing one is replaced.

        Returns:
            The URL of the copy.
        """

    @abstractmethod
    def drop(self, name: str) -> None:
        """Remove a store if it exists."""

    @abstractmethod
    def size(self, name: str) -> int:
        """Return the bytes of a store on disk."""

    def log_position(self) -> int:
        """Return the bytes that the store's server has written to its log; 0 where there is no server."""
        return 0

    @abstractmethod
    def bare_write(self, name: str) -> StoreTime:
        """Time how long a copy of PRISTINE takes to accept the output rows of a store.

        Args:
            name: of a store that holds the output rows.
        """

    @abstractmethod
    def bare_read(self, name: str, workload: Workload) -> StoreTime:
        """Time how long a store takes to answer the engine's statements for a window's inputs.

        Args:
            name: of the store.
            workload: the window.

        Returns:
            Seconds, and the rows where the kind of store counts them.
        """


class FileStore(BenchmarkStore):
    """DuckDB files or Parquet folders."""

    suffix: ClassVar[str] = ""

    def _path(self, name: str) -> Path:
        return self.folder / f"{self.kind}-{name}{self.suffix}"

    def url(self, name: str) -> str:
        return f"{self.kind}:///{self._path(name)}"

    def size(self, name: str) -> int:
        path = self._path(name)
        return sum(file.stat().st_size for file in (path, *path.rglob("*")) if file.is_file())

    def bare_write(self, name: str) -> StoreTime:
        target = self.copy(PRISTINE, "bare")
        took = store_time(self.folder, f"write-{self.kind}", self.url(name), target)
        self.drop("bare")
        return took

    def bare_read(self, name: str, workload: Workload) -> StoreTime:
        return store_time(
            self.folder, "read", self.url(name), *workload.date_options(workload.start, workload.end)
        )


class DuckDBStore(FileStore):
    """DuckDB files."""

    kind = "duckdb"
    suffix = ".duckdb"

    def copy(self, source: str, target: str) -> str:
        self.drop(target)
        shutil.copy(self._path(source), self._path(target))
        return self.url(target)

    def drop(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)


class ParquetStore(FileStore):
    """Parquet folders."""

    kind = "parquet"

    def copy(self, source: str, target: str) -> str:
        self.drop(target)
        shutil.copytree(self._path(source), self._path(target))
        return self.url(target)

    def drop(self, name: str) -> None:
        shutil.rmtree(self._path(name), ignore_errors=True)


class PostgresStore(BenchmarkStore):
    """Databases of a server."""

    kind = "postgres"

    def __init__(self, folder: Path, server: BenchmarkServer) -> None:
        super().__init__(folder)
        self.server = server

    @property
    def has_limit(self) -> bool:
        return self.server.psql is not None

    def _create(self, name: str) -> None:
        self.server.create(name)

    def _settle(self, name: str) -> None:
        self.server.settle(name)

    def url(self, name: str) -> str:
        return self.server.url(name)

    def copy(self, source: str, target: str) -> str:
        self.drop(target)
        self.server.clone(target, source)
        return self.url(target)

    def drop(self, name: str) -> None:
        self.server.drop(name)

    def size(self, name: str) -> int:
        return self.server.size(name)

    def log_position(self) -> int:
        return self.server.log_position()

    def bare_write(self, name: str) -> StoreTime:
        """Time psql's COPY of ready CSV files, parents first, in one stream and one transaction."""
        files = self.folder / "rows"
        files.mkdir()
        self._script(name, "bench/export", files)
        self.copy(PRISTINE, "bare")
        took = self._script("bare", "bench/load", files)
        shutil.rmtree(files)
        rows = store_time(self.folder, "count", self.url("bare")).rows
        self.drop("bare")
        return StoreTime(took.wall, took.cpu, rows)

    def _script(self, name: str, command: str, files: Path) -> Process:
        lines = [statement(command, table=Name(t), file=str(files / f"{t}.csv")) for t in OUTPUTS]
        return self._psql(name, "".join(lines))

    def bare_read(self, name: str, workload: Workload) -> StoreTime:
        """Time psql's COPY of the engine's own statements, whose output is dropped.

        Args:
            name: of the store.
            workload: the window.

        Returns:
            Seconds.
        """
        texts = read_statements(self.folder, self.copy(name, "bare"), workload)
        # A fresh copy, because the server has cached the pages that `read_statements` read.
        self.copy(name, "bare")
        took = self._psql("bare", "".join(statement("bench/read", query=Query(text)) for text in texts))
        self.drop("bare")
        return StoreTime(took.wall, took.cpu)

    def _psql(self, name: str, script: str) -> Process:
        path = self.folder / "script.sql"
        path.write_text(script, encoding="utf-8")
        command = self.server.command(name, "--single-transaction", "-f", str(path))
        return run(command, self.folder, keep_output=False)
