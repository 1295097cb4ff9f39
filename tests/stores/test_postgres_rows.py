"""Rows on the server: it drops them, hides them, or gives way to another transaction."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from engine.batch.copy import create
from engine.core.errors import ConflictError, HiddenRowsError, WriteError
from engine.core.schema import TABLES
from loaders import open_reader
from tests.conftest import Server
from tests.memory_store import frame_of
from tests.stores.support import run_sql
from writers import open_writer
from writers.retry import TRANSIENT_ERRORS

SETTINGS = TABLES["engine_settings"]
DROPS = """
create function drops() returns trigger language plpgsql as
$$ begin if new.name = 'b' then return null; end if; return new; end $$;
create trigger drops before insert on {table} for each row execute function drops()
"""
POLICY = """
alter table {table} enable row level security;
create policy own on {table} using (false);
"""


@pytest.fixture
def store(postgres_url: str) -> str:
    create(postgres_url)
    return postgres_url


def settings(*names: str) -> pl.DataFrame:
    moment = datetime(2025, 1, 1, tzinfo=UTC)
    rows = [(name, "x", moment) for name in names]
    return pl.DataFrame(rows, schema=["name", "value", "set_at"], orient="row")


@pytest.mark.parametrize("way", ["insert", "merge"])
def test_rows_that_a_trigger_drops_are_told(store: str, way: str) -> None:
    run_sql(store, DROPS.format(table=SETTINGS.name))
    with open_writer(store) as writer:
        writer.begin()
        with pytest.raises(WriteError, match="table engine_settings: 2 of 3 rows were stored"):
            getattr(writer, way)(SETTINGS, settings("a", "b", "c"))
    assert run_sql(store, "select count(*) from engine_settings") == [(0,)]


SYMBOLS = ["A\\' or true --", "B\\", "C''\\\\", '"D"']
"""The first would close the literal that it is written in, if a backslash escaped the quote."""


def test_texts_are_literal_under_every_setting_of_the_server(store: str) -> None:
    for setting in ("standard_conforming_strings = off", "backslash_quote = on"):
        run_sql(store, f"alter database {store.rsplit('/', 1)[1]} set {setting}")
    series = {"outcome": "ok", "failures": 0, "asked_at": datetime(2025, 1, 1, tzinfo=UTC)}
    rows = frame_of("engine_price_series", [{"symbol": symbol, **series} for symbol in (*SYMBOLS, "E")])
    with open_writer(store) as writer, writer.transaction():
        writer.insert(TABLES["engine_price_series"], rows)
        writer.merge(TABLES["engine_price_series"], rows)
    with open_reader(store) as reader:
        for symbol in SYMBOLS:
            stored = reader.select("read/of_symbols", "engine_price_series", ["symbol"], symbols=[symbol])
            assert stored["symbol"].to_list() == [symbol]
        assert reader.read("engine_price_series").height == len(SYMBOLS) + 1


def test_rows_that_exist_already_count_as_stored(store: str) -> None:
    with open_writer(store) as writer, writer.transaction():
        writer.insert(SETTINGS, settings("a"))
        writer.merge(SETTINGS, settings("a", "b"))
        writer.merge(SETTINGS, settings())
    assert run_sql(store, "select name from engine_settings order by 1") == [("a",), ("b",)]


@pytest.fixture
def app(store: str, postgres_server: Server) -> str:
    """A store as a role sees it that row-level security applies to."""
    run_sql(store, "drop role if exists app")
    run_sql(store, "create role app login")
    run_sql(store, "grant all on all tables in schema public to app")
    return postgres_server.url(store.rsplit("/", 1)[1], "app")


def test_a_table_whose_rows_are_hidden_is_not_read(store: str, app: str) -> None:
    run_sql(store, POLICY.format(table="positions"))
    with open_reader(app) as reader:
        with pytest.raises(HiddenRowsError, match=r"table positions: row-level security .* BYPASSRLS"):
            reader.read("positions")
        assert reader.read("portfolios").is_empty()  # the reader goes on
    with open_reader(store) as reader:
        assert reader.read("positions").is_empty()  # its owner sees all rows
    run_sql(store, "drop owned by app")


@pytest.mark.parametrize("way", ["insert", "merge", "remove"])
def test_a_table_whose_rows_are_hidden_is_not_written(store: str, app: str, way: str) -> None:
    run_sql(store, POLICY.format(table=SETTINGS.name))
    with open_writer(app) as writer:
        writer.begin()
        with pytest.raises(HiddenRowsError, match="table engine_settings"):
            getattr(writer, way)(SETTINGS, settings("a"))
    run_sql(store, "drop owned by app")


@pytest.mark.parametrize("state", ["40001", "40P01", "55P03"])
def test_a_transaction_that_gives_way_may_be_repeated(store: str, state: str) -> None:
    text = f"do $$ begin raise exception 'gave way' using errcode = '{state}'; end $$"
    with open_writer(store) as writer:
        writer.begin()
        with pytest.raises(ConflictError, match="gave way"):
            writer.execute(text, "")  # type: ignore[attr-defined]
    assert ConflictError in TRANSIENT_ERRORS


def test_text_of_a_database_with_another_encoding_comes_back(postgres_server: Server) -> None:
    postgres_server.admin.execute("drop database if exists latin")
    postgres_server.admin.execute("create database latin encoding 'LATIN1' locale 'C' template template0")
    url = postgres_server.url("latin")
    create(url)
    with open_writer(url) as writer, writer.transaction():
        writer.insert(SETTINGS, settings("Zürich"))
        writer.merge(SETTINGS, settings("Größe"))
    with open_reader(url) as reader:
        assert set(reader.read(SETTINGS.name)["name"]) == {"Zürich", "Größe"}
    postgres_server.admin.execute("drop database latin with (force)")
