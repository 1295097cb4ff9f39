"""The driver of a cluster and its shards' answers, with a Ray that is this process."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.batch.executors import cluster
from engine.batch.executors.cluster import RETRIES, ClusterError, LostWorkersError
from engine.batch.executors.tasks import ShardTask, SharedInputs, check_machine, run_task
from loaders import open_reader
from tests.builders import portfolio, position
from tests.small_stores import SESSIONS, Content, content, folder, run, unequal, world

pytestmark = pytest.mark.thorough

THREE = ("P", "Q", "R")


class RayError(Exception):
    """The base of Ray's errors."""


class RayTaskError(RayError):
    """An error of a task, with what the task raised as its cause."""

    cause = AttributeError("no module here")


class OutOfMemoryError(RayError):
    """Ray has killed a task for its memory."""


Trouble = Callable[[ShardTask], RayError | None]


@dataclass(eq=False)
class Ref:
    """A task, not yet run, or a thing that was put."""

    thing: object


@dataclass
class Here:
    """Ray as far as the driver uses it: a task runs when its answer is asked for, on copies.

    trouble: what becomes of a shard, instead of being done.
    """

    trouble: Trouble = lambda mine: None
    blocks: list[list[str]] = field(default_factory=list)
    fetched: dict[bytes, SharedInputs] = field(default_factory=dict)
    put_things: int = 0
    cancelled: int = 0
    down: bool = False

    @property
    def exceptions(self) -> Any:
        kinds = (OutOfMemoryError, RayTaskError, RayError)
        return SimpleNamespace(**{kind.__name__: kind for kind in kinds})

    def nodes(self) -> list[dict[str, Any]]:
        two, gone = ({"Alive": alive, "Resources": {"CPU": 2.0}} for alive in (True, False))
        return [two, gone, {"Alive": True, "Resources": {}}]

    def put(self, thing: object) -> Ref:
        self.put_things += 1
        return Ref(pickle.dumps(thing))

    def remote(self, function: object) -> Any:
        return SimpleNamespace(options=lambda **_: SimpleNamespace(remote=self._submit))

    def _submit(self, kept: list[Ref], mine: ShardTask) -> Ref:
        return Ref((kept[0].thing, pickle.dumps(mine)))

    def wait(
        self, refs: Sequence[Ref], num_returns: int, timeout: float | None = None
    ) -> tuple[Sequence[Ref], Sequence[Ref]]:
        return refs[:num_returns], refs[num_returns:]

    def get(self, ref: Ref) -> object:
        kept, sent = ref.thing  # type: ignore[misc]
        mine = pickle.loads(sent)
        self.blocks.append(mine.portfolios)
        if error := self.trouble(mine):
            raise error
        return pickle.loads(pickle.dumps(run_task(self._fetched(kept), mine)))

    def _fetched(self, kept: bytes) -> SharedInputs:
        """Looked at once, as a worker does."""
        if kept not in self.fetched:
            self.fetched[kept] = check_machine(pickle.loads(kept))
        return self.fetched[kept]

    def cancel(self, ref: Ref, force: bool) -> None:
        self.cancelled += 1

    def shutdown(self) -> None:
        self.down = True


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> Here:
    here = Here()
    monkeypatch.setattr(cluster, "_connected", lambda: (here, True))
    monkeypatch.setattr(cluster, "find_spec", lambda name: object())
    return here


def store(path: Path) -> str:
    rows = {"portfolios": [portfolio(n) for n in THREE], "positions": [position(owner=n) for n in THREE]}
    return folder(path, world(**rows))


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Content:
    """Return the contents of a store that this process alone has written."""
    url = store(tmp_path_factory.mktemp("alone") / "store")
    run(url, url)
    return content(url)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A folder of three portfolios."""
    return store(tmp_path / "store")


def test_every_shard_is_done_and_what_they_share_is_put_once(ray: Here, url: str, expected: Content) -> None:
    report = run(url, url, executor="ray", shard_size=1)
    assert report.portfolios == len(THREE)
    assert [len(block) for block in ray.blocks] == [1] * len(THREE)
    assert (ray.put_things, ray.cancelled, ray.down) == (1, 0, True)
    assert unequal(expected, content(url)) == []


def test_a_target_of_its_own_is_filled_by_shards(ray: Here, tmp_path: Path) -> None:
    source, alone, ours = store(tmp_path / "source"), tmp_path / "alone", tmp_path / "ours"
    run(source, f"parquet:///{alone}")
    run(source, f"parquet:///{ours}", executor="ray")
    assert [len(block) for block in ray.blocks] == [2, 1]  # two processors
    assert unequal(content(f"parquet:///{alone}"), content(f"parquet:///{ours}")) == []


def test_in_a_window_that_moves_tags_shards_see_those_before(ray: Here, tmp_path: Path) -> None:
    here, there = store(tmp_path / "here"), store(tmp_path / "there")
    run(here, here, run_date=SESSIONS[-2], shard_size=2)
    run(there, there, run_date=SESSIONS[-2], shard_size=2, executor="ray")
    assert ray.put_things == 2
    assert unequal(content(here), content(there)) == []


def test_a_shard_that_is_killed_for_its_memory_is_halved(ray: Here, url: str, expected: Content) -> None:
    ray.trouble = lambda mine: OutOfMemoryError() if len(mine.portfolios) > 1 else None
    run(url, url, executor="ray", shard_size=3)
    assert [len(block) for block in ray.blocks] == [3, 1, 2, 1, 1]
    assert unequal(expected, content(url)) == []


def test_a_shard_that_is_lost_for_good_ends_the_run_and_another_goes_on(
    ray: Here, url: str, expected: Content
) -> None:
    ray.trouble = lambda mine: RayError("The node died. More.") if len(ray.blocks) > 1 else None
    lost = rf"was lost {RETRIES + 1} times with its worker: The node died\. The same command goes on"
    with pytest.raises(LostWorkersError, match=lost):
        run(url, url, executor="ray", shard_size=1)
    assert (ray.cancelled, ray.down) == (0, True)  # leaving the cluster ends the other shards
    run(url, url, shard_size=1)
    with open_reader(url) as reader:
        assert reader.read("engine_runs")["status"].to_list() == ["done"]
        assert reader.read("engine_shards").height == len(THREE)
    assert unequal(expected, content(url)) == []


def test_a_worker_that_cannot_even_begin_is_no_lost_one(ray: Here, url: str) -> None:
    ray.trouble = lambda mine: RayTaskError()
    with pytest.raises(ClusterError, match="a task could not begin: AttributeError: no module here"):
        run(url, url, executor="ray")
    assert ray.down
