"""Rows that are made while others are written."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from threading import Event, current_thread

import polars as pl
import pytest

from engine.batch import steps
from tests.builders import portfolio, position
from tests.small_stores import folder, run, world
from writers.rows_ahead import RowsAhead
from writers.writer import Writer

ROWS = pl.DataFrame({"number": [1, 2, 3]})


def test_the_largest_table_is_made_in_a_thread_and_the_others_meanwhile() -> None:
    made: dict[str, str] = {}
    others = Event()

    def maker(name: str) -> pl.DataFrame:
        made[name] = current_thread().name.split("_")[0]
        if name == "large":
            assert others.wait(10)
        return ROWS.with_columns(table=pl.lit(name))

    makers = {name: partial(maker, name) for name in ("a", "b", "large")}
    with RowsAhead(makers, {"a": 3, "b": 3, "large": 30}, enough=100) as rows:
        assert rows.tables == ("a", "b", "large")
        for name in ("a", "b"):
            assert rows.take(name)["table"].to_list() == [name] * 3
        others.set()
        assert rows.take("large")["table"].to_list() == ["large"] * 3
    assert made == {"large": "rows", "a": "MainThread", "b": "MainThread"}


def test_no_further_table_is_made_while_enough_rows_wait() -> None:
    made = {name: Event() for name in "abcd"}

    def makes(name: str) -> pl.DataFrame:
        made[name].set()
        return ROWS

    makers = {name: partial(makes, name) for name in "abcd"}
    with RowsAhead(makers, dict.fromkeys("abcd", 3), enough=5) as rows:
        assert made["a"].wait(10)
        assert made["b"].wait(10)  # 3 rows waited, fewer than 5
        assert not made["c"].wait(0.05)  # 6 rows wait
        rows.take("a")
        assert made["c"].wait(10)
        assert not made["d"].is_set()


def test_an_error_is_raised_where_the_rows_are_taken() -> None:
    def fails() -> pl.DataFrame:
        raise ValueError("no rows")

    with RowsAhead({"a": lambda: ROWS, "b": fails}, {"a": 3, "b": 3}, enough=100) as rows:
        assert rows.take("a").equals(ROWS)
        with pytest.raises(ValueError, match="no rows"):
            rows.take("b")


def test_a_write_that_fails_waits_for_rows_that_are_being_made_and_makes_no_others() -> None:
    begun, made = Event(), []

    def slow() -> pl.DataFrame:
        begun.set()
        Event().wait(0.05)
        made.append("slow")
        return ROWS

    makers = {"slow": slow, "never": lambda: ROWS.filter(bool(made.append("never")))}

    def write() -> None:
        with RowsAhead(makers, {"slow": 3, "never": 3}, enough=10):
            assert begun.wait(10)
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write()
    assert made == ["slow"]


@pytest.mark.parametrize(("shard_size", "alone"), [(None, [True]), (1, [False, False])])
def test_only_a_shard_alone_has_a_second_thread_and_many_rows_ahead(
    shard_size: int | None, alone: list[bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several shards, one is computed while another is written: more threads would only take memory."""
    threads, ahead = [], []
    computes, makes = steps.compute, Writer.rows_ahead
    monkeypatch.setattr(steps, "compute", lambda *given: threads.append(given[-1]) or computes(*given))
    monkeypatch.setattr(Writer, "rows_ahead", lambda *given: ahead.append(given[-1]) or makes(*given))
    rows = {"portfolios": [portfolio(n) for n in "PQ"], "positions": [position(owner=n) for n in "PQ"]}
    source = folder(tmp_path / "source", world(**rows))
    run(source, f"duckdb:///{tmp_path}/x.duckdb", shard_size=shard_size)
    assert threads == [2 if one else 1 for one in alone]
    assert [one for one in ahead if isinstance(one, bool)] == alone
