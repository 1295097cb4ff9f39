"""Free memory is that of the container and of the process's own limits, and shards fit it."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from engine.batch import memory, shards
from engine.batch.memory import free_memory
from engine.batch.shards import MemoryShortError, require_memory

MIB = 1 << 20


def group(folder: Path, limit: str, used: int, cache: int, version: int) -> None:
    """Lay out the files of a control group, as the kernel shows them."""
    names = ("memory.max", "memory.current", "inactive_file")
    if version == 1:
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 1\n{names[2]} {cache}\nother 5\n")


def left(root: Path, membership: str) -> list[int]:
    (root / "membership").write_text(membership)
    return sorted(memory._of_the_container(root, root / "membership"))


def test_version_2_counts_the_group_and_its_parents(tmp_path: Path) -> None:
    group(tmp_path, "max", 900 * MIB, 0, 2)
    group(tmp_path / "pod", f"{700 * MIB}", 300 * MIB, 100 * MIB, 2)
    group(tmp_path / "pod" / "box", f"{2000 * MIB}", 250 * MIB, 0, 2)
    assert left(tmp_path, "0::/pod/box\n") == [500 * MIB, 1750 * MIB]


def test_version_1_counts_the_group_and_its_parents(tmp_path: Path) -> None:
    group(tmp_path / "memory", "9223372036854771712", 900 * MIB, 0, 1)
    group(tmp_path / "memory/docker/x", f"{700 * MIB}", 300 * MIB, 100 * MIB, 1)
    found = left(tmp_path, "8:pids:/y\n4:cpu,memory:/docker/x\n0::/\n")
    assert found[0] == 500 * MIB
    assert len(found) == 2


@pytest.mark.parametrize(("version", "line"), [(2, "0::/docker/x"), (1, "4:memory:/docker/x")])
def test_a_container_sees_its_own_group_as_the_root(version: int, line: str, tmp_path: Path) -> None:
    """The path in /proc is that of the host, which the container does not have."""
    root = tmp_path if version == 2 else tmp_path / "memory"
    group(root, f"{700 * MIB}", 200 * MIB, 0, version)
    assert left(tmp_path, line) == [500 * MIB]


@pytest.mark.parametrize("membership", ["", "0::/", "4:memory:/gone", "1:name=systemd:/x"])
def test_no_limit_is_none(membership: str, tmp_path: Path) -> None:
    assert left(tmp_path, membership) == []
    assert list(memory._of_the_container(tmp_path, tmp_path / "missing")) == []


def test_the_limit_of_the_address_space_counts() -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 100 * MIB, before[1]))
    try:
        assert 90 * MIB < free_memory() <= 100 * MIB
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert free_memory() > 100 * MIB


def test_a_shard_that_does_not_fit_is_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 30 positions, a portfolio's session takes half a MiB: 4 portfolios x 10 sessions take 20 MiB."""
    positions = pl.DataFrame({"portfolio_id": [f"p{n % 4}" for n in range(120)]})
    names = ["p0", "p1", "p2", "p3"]
    monkeypatch.setattr(shards, "_free_memory", lambda: 20 * MIB)
    require_memory(names, positions, 10)
    monkeypatch.setattr(shards, "_free_memory", lambda: 20 * MIB - 1)
    with pytest.raises(MemoryShortError, match="4 portfolios"):
        require_memory(names, positions, 10)
    require_memory(names[:1], positions, 1000)  # one is tried: it cannot be halved


CONTROL = Path("/sys/fs/cgroup/memory")


@pytest.mark.thorough
def test_a_container_of_700_mib_is_counted(tmp_path: Path) -> None:
    version_1 = CONTROL.is_dir()
    own = (CONTROL if version_1 else CONTROL.parent) / f"engine_test_{os.getpid()}"
    try:
        own.mkdir()
        (own / ("memory.limit_in_bytes" if version_1 else "memory.max")).write_text(f"{700 * MIB}")
    except OSError as error:
        pytest.skip(f"no control group can be made: {error}")
    code = (
        f"import os; open('{own}/cgroup.procs', 'w').write(str(os.getpid()))\n"
        "from engine.batch.memory import free_memory; print(free_memory())"
    )
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    finally:
        own.rmdir()
    assert 0 < int(done.stdout) < 700 * MIB
