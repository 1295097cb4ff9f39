"""A store's lock is that of its place, looking takes no lock, and no link is followed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.core.errors import StoreUnreachableError
from engine.core.store_url import StoreURL
from loaders.open import same_store
from tests.stores.support import copied, golden
from writers.lock import LockedError, lock_holder, store_lock


def place(kind: str, folder: Path) -> Path:
    """A store of a kind, and what it is called."""
    path = folder / "real" / ("x.duckdb" if kind == "duckdb" else "x")
    path.parent.mkdir()
    copied(golden("mixed"), f"{kind}:///{path}")
    return path


def by_link(path: Path) -> Path:
    link = path.parent.parent / f"link{path.suffix}"
    link.symlink_to(path)
    return link


def by_link_to_the_folder(path: Path) -> Path:
    link = path.parent.parent / "folder"
    link.symlink_to(path.parent)
    return link / path.name


def by_link_to_a_link(path: Path) -> Path:
    link = path.parent / f"other{path.suffix}"
    link.symlink_to(by_link(path))
    return link


def by_dots(path: Path) -> Path:
    return path.parent / ".." / path.parent.name / path.name


def relative(path: Path) -> Path:
    os.chdir(path.parent)
    return Path(path.name)


def through_proc(path: Path) -> Path:
    os.chdir(path.parent)
    return Path("/proc/self/cwd") / path.name


@pytest.mark.parametrize("kind", ["duckdb", "parquet"])
@pytest.mark.parametrize(
    "other_name", [by_link, by_link_to_the_folder, by_link_to_a_link, by_dots, relative, through_proc]
)
def test_a_store_has_one_lock_by_any_name(
    kind: str, other_name: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = place(kind, tmp_path)
    one, other = f"{kind}:///{path}", f"{kind}:///{other_name(path)}"
    assert same_store(StoreURL.parse(one), StoreURL.parse(other))
    for first, second in ((one, other), (other, one)):
        with store_lock(first, wait=False):
            with pytest.raises(LockedError, match=f"process {os.getpid()}"), store_lock(second, wait=False):
                pass
            assert f"process {os.getpid()}" in f"{lock_holder(second)}"
        assert lock_holder(second) is None


def test_a_store_to_be_made_has_one_lock_by_any_name(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "y").symlink_to(tmp_path / "x")
    for names in (("real/new", "link/new"), ("x", "y")):
        one, other = (f"parquet:///{tmp_path}/{name}" for name in names)
        with store_lock(one, wait=False), pytest.raises(LockedError), store_lock(other, wait=False):
            pass


def test_a_database_file_with_two_names_is_not_written(tmp_path: Path) -> None:
    path = place("duckdb", tmp_path)
    os.link(path, tmp_path / "y.duckdb")
    with pytest.raises(StoreUnreachableError, match="hard links"):
        copied(golden("mixed"), f"duckdb:///{tmp_path}/y.duckdb")


@pytest.mark.parametrize("kind", ["duckdb", "parquet"])
def test_looking_takes_no_lock_and_makes_nothing(kind: str, tmp_path: Path) -> None:
    url = f"{kind}:///{tmp_path}/x"
    assert lock_holder(url) is None
    assert list(tmp_path.iterdir()) == []
    with store_lock(url, wait=False):
        pass
    for _ in range(200):
        assert lock_holder(url) is None
        with store_lock(url, wait=False):
            assert lock_holder(url) is not None


def lock_file(kind: str, folder: Path) -> Path:
    return folder / ".x.lock" if kind == "duckdb" else folder / "x" / "_engine" / "lock"


@pytest.mark.parametrize("kind", ["duckdb", "parquet"])
@pytest.mark.parametrize("plant", ["link", "hard link", "file", "pipe", "folder"])
def test_a_planted_lock_file_is_neither_followed_nor_emptied(kind: str, plant: str, tmp_path: Path) -> None:
    url, secret, lock = f"{kind}:///{tmp_path}/x", tmp_path / "secret", lock_file(kind, tmp_path)
    lock.parent.mkdir(parents=True, exist_ok=True)
    secret.write_text("important data of somebody")
    make: dict[str, Callable[[], object]] = {
        "link": lambda: lock.symlink_to(secret),
        "hard link": lambda: os.link(secret, lock),
        "file": lambda: lock.write_text("important data of somebody"),
        "pipe": lambda: os.mkfifo(lock),
        "folder": lock.mkdir,
    }
    make[plant]()
    assert lock_holder(url) is None
    with pytest.raises(StoreUnreachableError, match="lock"), store_lock(url, wait=False):
        pass
    assert secret.read_text() == "important data of somebody"
    assert plant != "file" or lock.read_text() == "important data of somebody"


def test_the_folder_of_locks_is_no_link(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "_engine").symlink_to(tmp_path / "outside")
    with (
        pytest.raises(StoreUnreachableError, match="is a link"),
        store_lock(f"parquet:///{tmp_path}/x", wait=False),
    ):
        pass
    assert list((tmp_path / "outside").iterdir()) == []
