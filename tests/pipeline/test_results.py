"""Results: frames that are made when somebody asks for them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import polars as pl
import pytest

from engine.core.row_ids import WORDS, make_ids
from engine.pipeline.results import Deferred, Results, Tables

FRAME = pl.DataFrame({"x": [1, 2, 3]})


def noted(calls: list[str], name: str) -> Callable[[bool], pl.DataFrame]:
    def make(in_words: bool) -> pl.DataFrame:
        calls.append(name)
        return FRAME

    return make


def test_what_nobody_asks_for_is_not_made() -> None:
    calls: list[str] = []
    tables = Tables(
        {"a": Deferred(3, noted(calls, "a")), "b": FRAME.head(2), "c": Deferred(0, noted(calls, "c"))}
    )
    results = Results(tables, pl.DataFrame())
    assert tables.heights == {"a": 3, "b": 2, "c": 0}
    assert (results.rows, len(tables), list(tables)) == (5, 3, ["a", "b", "c"])
    assert "a" in tables
    assert "d" not in tables
    assert calls == []
    assert results["a"] is results["a"] is FRAME
    assert calls == ["a"]


def test_frames_are_made_once_for_all_views_of_them() -> None:
    calls: list[str] = []
    whole = Tables({name: Deferred(3, noted(calls, name)) for name in "abc"})
    some = whole.of(["c", "a"])
    assert list(some) == ["a", "c"]
    some.make()
    whole.make()
    assert calls == ["a", "c", "b"]


def test_what_a_thread_is_at_is_left_to_it_and_is_waited_for_by_who_needs_it() -> None:
    begun, go_on = Event(), Event()

    def slow(in_words: bool) -> pl.DataFrame:
        begun.set()
        assert go_on.wait(30)
        return FRAME

    calls: list[str] = []
    tables = Tables({"slow": Deferred(3, slow), "quick": Deferred(3, noted(calls, "quick"))})
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(lambda: tables["slow"])
        assert begun.wait(30)
        tables.make()
        assert calls == ["quick"]
        second = threads.submit(lambda: tables["slow"])
        assert not first.done()
        go_on.set()
        assert first.result(30) is second.result(30) is FRAME


def test_ids_come_as_words_where_these_are_asked_for_first() -> None:
    def make(in_words: bool) -> pl.DataFrame:
        return FRAME.with_columns(make_ids("table", [FRAME["x"]], in_words))

    tables = Tables({"made": Deferred(3, make), "asked": Deferred(3, make), "whole": FRAME})
    spelled = tables["made"]
    words = tables.in_words()
    assert words["made"] is spelled
    assert words["asked"].schema["id"] == WORDS
    assert words["whole"] is FRAME
    assert tables["asked"].equals(spelled)


def test_what_could_not_be_made_is_tried_again() -> None:
    tries: list[int] = []

    def make(in_words: bool) -> pl.DataFrame:
        tries.append(1)
        if len(tries) == 1:
            raise MemoryError
        return FRAME

    table = Deferred(3, make)
    with pytest.raises(MemoryError):
        table.frame()
    assert table.frame() is FRAME
    assert not table.is_being_made
