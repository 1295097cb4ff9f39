"""Stores to measure in: a pristine one of each kind, and copies of it."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from engine.benchmarks.limits import OUTPUTS, StoreTime, bare, read_statements
from engine.benchmarks.postgres_server import Server
from engine.benchmarks.processes import Process, engine_command, run
from engine.benchmarks.workloads import Workload
from sql import Name, Query, statement

PRISTINE = "pristine"


class BenchmarkStore(ABC):
    """Stores of one kind, by name, in a folder or a server of the benchmark's own."""

    kind: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def has_limit(self) -> bool:
        """Whether the bare store can be timed."""
        return True

    def make(self, world: Workload) -> Process:
        """The pristine store with a world in it."""
        self.drop(PRISTINE)
        self._begin(PRISTINE)
        made = run(engine_command(*world.made(self.url(PRISTINE))), self.folder)
        self._settle(PRISTINE)
        return made

    def _begin(self, name: str) -> None:  # noqa: B027  files come into being when they are written
        """Make what a store needs before it is written."""

    def _settle(self, name: str) -> None:  # noqa: B027  files are what they are
        """Bring a store that was written to rest, so that copies of it are alike."""

    @abstractmethod
    def url(self, name: str) -> str:
        """The store of a name."""

    @abstractmethod
    def copy(self, source: str, target: str) -> str:
        """The URL of a fresh copy of a store that nobody has open."""

    @abstractmethod
    def drop(self, name: str) -> None:
        """A store gone, if it was there."""

    @abstractmethod
    def size(self, name: str) -> int:
        """The bytes that a store takes on disk."""

    @abstractmethod
    def bare_write(self, name: str) -> StoreTime:
        """The output rows of a store put into a copy of the pristine one, and nothing else done."""

    @abstractmethod
    def bare_read(self, name: str, world: Workload) -> StoreTime:
        """The inputs of a window read from a store by the engine's statements, and dropped."""


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
        found = bare(self.folder, f"write-{self.kind}", self.url(name), target)
        self.drop("bare")
        return found

    def bare_read(self, name: str, world: Workload) -> StoreTime:
        return bare(self.folder, "read", self.url(name), *world.days(world.start, world.end))


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

    def __init__(self, folder: Path, server: Server) -> None:
        super().__init__(folder)
        self.server = server

    @property
    def has_limit(self) -> bool:
        return self.server.psql is not None

    def _begin(self, name: str) -> None:
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

    def bare_write(self, name: str) -> StoreTime:
        """psql's COPY of ready files, parents first, in one stream and one transaction."""
        files = self.folder / "rows"
        files.mkdir()
        self._script(name, "bench/export", files)
        self.copy(PRISTINE, "bare")
        took = self._script("bare", "bench/load", files)
        shutil.rmtree(files)
        rows = bare(self.folder, "count", self.url("bare")).rows
        self.drop("bare")
        return StoreTime(took.wall, took.cpu, rows)

    def _script(self, name: str, command: str, files: Path) -> Process:
        lines = [statement(command, table=Name(t), file=str(files / f"{t}.csv")) for t in OUTPUTS]
        return self._psql(name, "".join(lines))

    def bare_read(self, name: str, world: Workload) -> StoreTime:
        """psql's COPY of the engine's own statements, to nowhere."""
        texts = read_statements(self.folder, self.copy(name, "bare"), world)
        self.copy(name, "bare")  # the engine, too, reads pages that the server has not seen
        took = self._psql("bare", "".join(statement("bench/read", query=Query(text)) for text in texts))
        self.drop("bare")
        return StoreTime(took.wall, took.cpu)

    def _psql(self, name: str, script: str) -> Process:
        path = self.folder / "script.sql"
        path.write_text(script, encoding="utf-8")
        command = self.server.command(name, "--single-transaction", "-f", str(path))
        return run(command, self.folder, keep_output=False)
