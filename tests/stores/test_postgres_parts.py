"""Closes read over several connections at once: the rows that one connection reads, of the same state."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from urllib.parse import quote

import polars as pl
import pytest

from engine.batch.copy import create, write_frames
from engine.cli.main import main
from engine.core.errors import EngineError, HiddenRowsError, ReadError, StoreUnreachableError
from engine.core.progress import Quiet
from engine.core.store_url import StoreURL
from engine.core.window import Window
from engine.pipeline.inputs import Inputs
from loaders.open import POSTGRES_READERS, open_reader, read_postgres_by
from loaders.postgres.parts import MissingConnectorxError, PartsReader, ranges
from loaders.postgres.reader import PostgresReader
from loaders.window import load_window
from tests.conftest import Server
from tests.small_stores import RUN_DATE, SESSIONS, a_user, rising, world
from tests.stores.pooler import pooler
from tests.stores.support import run_sql

CLOSES = "market_data_cache"
ODD = f"""
alter table {CLOSES} alter date drop not null;
alter table {CLOSES} alter symbol drop not null;
alter table {CLOSES} alter close drop not null;
insert into {CLOSES} (id, data_source, created_at, updated_at, symbol, date, close)
select gen_random_uuid(), 'x', now(), now(), symbol, day::date, close::numeric from (values
    ('AAA', null, 1), (null, '2025-03-05', 2),
    ('TLT', 'infinity', 3), ('TLT', '-infinity', 4),
    ('TLT', '2025-03-07', 'NaN'), ('TLT', '2025-03-06', null),
    ('TLT', '2025-03-05', 12345678.1234)
) as odd (symbol, day, close)
"""
"""Closes that the row rules refuse, or whose day no range has."""
QUARANTINED = {("close", "NaN"), ("close", "null"), ("date", "null"), ("symbol", "null")}
WINDOW = Window(SESSIONS[0], SESSIONS[-1], RUN_DATE)


@pytest.fixture
def store(postgres_url: str) -> str:
    content = world(users=[a_user()], market_data_cache=[*rising(), *rising("SPY", 500)])
    write_frames(postgres_url, content, 5_000, Quiet())
    return postgres_url


@pytest.fixture
def chosen() -> Iterator[None]:
    read_postgres_by("connectorx")
    yield
    read_postgres_by("adbc")


def closes(reader: PostgresReader) -> Inputs:
    with reader:
        return load_window(reader, WINDOW)


def assert_equal(url: str, other: str | None = None) -> Inputs:
    """Load by both ways; the inputs, which must be equal."""
    one = closes(PostgresReader(StoreURL.parse(url)))
    parts = closes(PartsReader(StoreURL.parse(other or url), connections=3))
    assert not one.closes.is_empty()
    assert one.closes.equals(parts.closes)
    assert one.quarantine.drop("store", strict=False).equals(parts.quarantine.drop("store", strict=False))
    return parts


@pytest.mark.parametrize("days", [*range(1, 12), 500])
@pytest.mark.parametrize("parts", [1, 2, 3, 8])
def test_every_day_is_in_one_range(days: int, parts: int) -> None:
    first = date(2025, 2, 27)
    found = [*ranges(first, first + timedelta(days=days - 1), parts)]
    assert len(found) == min(days, parts)
    assert (found[0][0], found[-1][1]) == (first, first + timedelta(days=days))
    assert all(before == start for (_, before), (start, _) in pairwise(found))
    sizes = [(before - start).days for start, before in found]
    assert min(sizes) >= 1
    assert max(sizes) - min(sizes) <= 1


def test_rows_and_quarantine_are_those_of_one_connection(store: str) -> None:
    run_sql(store, ODD)
    found = assert_equal(store).quarantine
    assert set(found.select("column", "value").rows()) == QUARANTINED


def test_days_stored_as_moments_are_read(store: str) -> None:
    run_sql(store, f"alter table {CLOSES} alter date type timestamp using date::timestamp")
    assert assert_equal(store).closes["date"].dtype == pl.Date


def test_what_others_commit_meanwhile_is_not_seen(store: str) -> None:
    before = closes(PartsReader(StoreURL.parse(store), connections=2)).closes
    with PartsReader(StoreURL.parse(store), connections=2) as reader:
        assert reader.columns
        run_sql(store, f"update {CLOSES} set close = close + 1")
        assert load_window(reader, WINDOW).closes.equals(before)
    assert not closes(PartsReader(StoreURL.parse(store), connections=2)).closes.equals(before)


def test_a_login_with_every_special_character(store: str, postgres_server: Server, database: str) -> None:
    assert_equal(store, postgres_server.guarded_url(database))


def test_a_login_of_the_environment(
    store: str, postgres_server: Server, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", postgres_server.socket)
    monkeypatch.setenv("PGUSER", "postgres")
    assert_equal(store, f"postgresql:///{database}")


def test_tables_of_another_schema(store: str) -> None:
    run_sql(store, 'alter schema public rename to "a b"')
    assert_equal(f"{store}?schema={quote('a b')}")


def test_through_a_transaction_pooler(store: str, postgres_server: Server, database: str) -> None:
    with pooler(postgres_server.socket) as address:
        assert_equal(store, address + database)


def test_hidden_rows_are_an_error(store: str, postgres_server: Server, database: str) -> None:
    run_sql(store, "drop role if exists reads")
    run_sql(store, "create role reads login; grant all on all tables in schema public to reads")
    run_sql(store, f"alter table {CLOSES} enable row level security")
    with PartsReader(StoreURL.parse(postgres_server.url(database, "reads")), connections=2) as reader:
        with pytest.raises(HiddenRowsError, match=f"table {CLOSES}: row-level security"):
            load_window(reader, WINDOW)
        assert reader.read("portfolios").height == 1  # the reader goes on
    run_sql(store, "drop owned by reads")


def test_an_error_names_the_setting_and_no_secret(
    store: str, postgres_server: Server, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loaders.postgres.parts.PartsReader._options", lambda *_: {"options": "-cbad"})
    url = postgres_server.guarded_url(database)
    with (
        PartsReader(StoreURL.parse(url)) as reader,
        pytest.raises(ReadError, match='Set postgres_reader = "adbc"') as caught,
    ):
        load_window(reader, WINDOW)
    assert "S3cr3t" not in str(caught.value)


@pytest.mark.parametrize("asked", ["verify-full", "verify-ca", "verify-full&sslrootcert=system"])
def test_a_certificate_is_never_checked_less_than_asked(asked: str) -> None:
    reader = object.__new__(PartsReader)
    reader.url = StoreURL.parse(f"postgresql://u:s3cret@h/d?sslmode={asked}")
    given = dict(pair.split("=") for pair in f"sslmode={asked}".split("&"))
    with pytest.raises(StoreUnreachableError, match=r'cannot check a certificate .* "adbc"') as caught:
        reader._options(given)
    assert "s3cret" not in str(caught.value)


def test_without_the_package_the_error_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "connectorx", None)
    with pytest.raises(MissingConnectorxError, match=re.escape("[connectorx]")):
        PartsReader(StoreURL.parse("postgresql://h/d"))


@pytest.mark.usefixtures("chosen")
def test_the_setting_chooses_the_reader(postgres_url: str) -> None:
    create(postgres_url)
    with open_reader(postgres_url) as reader:
        assert isinstance(reader, PartsReader)


def test_a_command_chooses_it_anew(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    create(postgres_url)
    for way in (*reversed(POSTGRES_READERS), "adbc"):
        monkeypatch.setenv("ENGINE_POSTGRES_READER", way)
        assert main(["status", postgres_url]) in {0, 1}
        with open_reader(postgres_url) as reader:
            assert isinstance(reader, PartsReader) == (way == "connectorx")


def test_a_way_that_does_not_exist(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINE_POSTGRES_READER", "odbc")
    assert main(["status", "duckdb:///x.duckdb"]) == 2
    assert "postgres_reader must be adbc or connectorx" in capsys.readouterr().err
    with pytest.raises(EngineError):
        read_postgres_by("odbc")
