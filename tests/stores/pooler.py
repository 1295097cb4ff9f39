"""PgBouncer between the tests and their server: as production has it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
PORT = 6432
SETTINGS = """
[databases]
* = host={server} user=postgres
[pgbouncer]
unix_socket_dir = {folder}
listen_port = {port}
auth_type = any
auth_file = {folder}/users.txt
pool_mode = {mode}
default_pool_size = {size}
"""


@contextmanager
def pooler(server: str, mode: str = "transaction", size: int = 5) -> Iterator[str]:
    """Run PgBouncer before a server.

    Args:
        server: Folder of the server's socket.
        mode: Its pool_mode.
        size: Server connections for each database.

    Yields:
        The start of a URL; the name of a database completes it.
    """
    if PROGRAM is None:
        pytest.skip("no pgbouncer: `apt-get install pgbouncer` brings it")
    folder = Path(tempfile.mkdtemp(prefix="pgb-"))
    owner = os.stat(server).st_uid
    (folder / "users.txt").write_text('"postgres" ""\n')
    settings = SETTINGS.format(server=server, folder=folder, port=PORT, mode=mode, size=size)
    (folder / "pgbouncer.ini").write_text(settings)
    for path in (folder, *folder.iterdir()):
        os.chown(path, owner, -1)
    # It refuses to run as root, and the server's socket is its owner's alone.
    user = owner if os.geteuid() == 0 else None
    process = subprocess.Popen(
        [PROGRAM, "-q", str(folder / "pgbouncer.ini")], user=user, stderr=subprocess.DEVNULL
    )
    try:
        url = f"postgresql://postgres@{quote(str(folder), safe='')}:{PORT}/"
        _wait(folder / f".s.PGSQL.{PORT}")
        yield url
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(socket: Path) -> None:
    end = time.monotonic() + 10
    while not socket.exists():
        assert time.monotonic() < end, "pgbouncer does not start"
        time.sleep(0.02)


def session(url: str) -> psycopg.Connection:
    """A connection of another program's: what the engine leaves on the server shows in it."""
    return psycopg.connect(url, autocommit=True, prepare_threshold=None)
