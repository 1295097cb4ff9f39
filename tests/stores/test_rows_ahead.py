"""Rows that are made while others are written."""

from __future__ import annotations

from functools import partial
from threading import Event, current_thread

import polars as pl
import pytest

from writers import rows_ahead
from writers.rows_ahead import RowsAhead

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
    with RowsAhead(makers, {"a": 3, "b": 3, "large": 30}) as rows:
        assert rows.tables == ("a", "b", "large")
        for name in ("a", "b"):
            assert rows.take(name)["table"].to_list() == [name] * 3
        others.set()
        assert rows.take("large")["table"].to_list() == ["large"] * 3
    assert made == {"large": "rows", "a": "MainThread", "b": "MainThread"}


def test_no_further_table_is_made_while_enough_rows_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_ahead, "ROWS_AHEAD", 5)
    made = {name: Event() for name in "abcd"}

    def makes(name: str) -> pl.DataFrame:
        made[name].set()
        return ROWS

    with RowsAhead(
        {name: lambda name=name: makes(name) for name in "abcd"}, dict.fromkeys("abcd", 3)
    ) as rows:
        assert made["a"].wait(10)
        assert made["b"].wait(10)  # 3 rows waited, fewer than 5
        assert not made["c"].wait(0.05)  # 6 rows wait
        rows.take("a")
        assert made["c"].wait(10)
        assert not made["d"].is_set()


def test_an_error_is_raised_where_the_rows_are_taken() -> None:
    def fails() -> pl.DataFrame:
        raise ValueError("no rows")

    with RowsAhead({"a": lambda: ROWS, "b": fails}, {"a": 3, "b": 3}) as rows:
        assert rows.take("a").equals(ROWS)
        with pytest.raises(ValueError, match="no rows"):
            rows.take("b")


def test_a_write_that_fails_waits_for_rows_that_are_being_made_and_makes_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, made = Event(), []

    def slow() -> pl.DataFrame:
        begun.set()
        Event().wait(0.05)
        made.append("slow")
        return ROWS

    makers = {"slow": slow, "never": lambda: ROWS.filter(bool(made.append("never")))}

    def write() -> None:
        with RowsAhead(makers, {"slow": 3, "never": 3}):
            assert begun.wait(10)
            raise OSError("disk full")

    monkeypatch.setattr(rows_ahead, "ROWS_AHEAD", 10)
    with pytest.raises(OSError, match="disk full"):
        write()
    assert made == ["slow"]
