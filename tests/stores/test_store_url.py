"""Store URLs: the forms that Postgres' own tools take, identities, and what is shown of them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from engine.analyst.store import Store
from engine.core.errors import StoreUnreachableError, scrubbed
from engine.core.store_url import StoreURL, safe_url
from loaders.open import open_reader, same_store
from tests.conftest import GUARDED, PASSWORD, Server
from tests.marks import first
from writers import open_writer
from writers.lock import lock_holder, store_lock

FORMS = [
    "postgresql://postgres@{quoted}/{database}",
    "postgres://postgres@{quoted}/{database}",
    "postgresql://{quoted}/{database}?user=postgres",
    "postgresql:///{database}?host={socket}&user=postgres",
    "postgresql://postgres@/{database}?host={socket}",
    "postgresql://postgres:@/{database}?host={quoted}",
    "postgresql://postgres@{quoted}:5432/{database}",
    "postgresql://postgres@{quoted}/{database}?sslmode=disable",
    "postgresql://postgres@{quoted}/{database}?sslmode=allow&connect_timeout=3&gssencmode=disable",
    "postgresql://postgres@{quoted}/{database}?application_name=engine%20test&keepalives=1",
    "postgresql://postgres@{quoted}/{database}?target_session_attrs=any&channel_binding=prefer",
    "postgresql://{guarded}:{password}@{quoted}/{database}",
    "postgresql://{guarded}@{quoted}/{database}?password={password}",
    "postgresql://postgres@{quoted}/?dbname={database}",
]


@pytest.mark.parametrize("form", first(4, FORMS))
def test_every_form_that_libpq_takes_reads_and_writes(
    form: str, postgres_server: Server, database: str
) -> None:
    url = form.format(
        quoted=quote(postgres_server.socket, safe=""),
        socket=postgres_server.socket,
        database=database,
        guarded=GUARDED,
        password=quote(PASSWORD, safe=""),
    )
    with psycopg.connect(url) as connection:
        assert connection.info.dbname == database
    with open_writer(url) as writer:
        assert "positions" in writer.create_missing()
    with open_reader(url) as reader:
        assert reader.read("positions").is_empty()
        assert reader.query("select current_database()::text as name").item() == database


OF_OTHER_DRIVERS = [
    "postgresql+asyncpg://postgres@{quoted}/{database}",
    "postgresql+psycopg2://postgres@{quoted}/{database}",
    "postgresql+psycopg://{guarded}:{password}@{quoted}/{database}",
    "PostgreSQL+asyncpg://postgres@{quoted}/{database}?ssl=disable&prepared_statement_cache_size=0",
    "postgres://postgres@{quoted}/{database}?ssl=false&pgbouncer=true&connection_limit=1",
    "postgresql://postgres@{quoted}/{database}?schema=public\n",
]


@pytest.mark.parametrize("form", OF_OTHER_DRIVERS)
def test_spellings_of_other_drivers_are_taken(form: str, postgres_server: Server, database: str) -> None:
    names = {"quoted": quote(postgres_server.socket, safe=""), "database": database}
    url = form.format(**names, guarded=GUARDED, password=quote(PASSWORD, safe=""))
    with open_writer(url) as writer, open_reader(url) as reader:
        writer.begin()
        assert reader.query("select current_database()::text as name").item() == database
        assert same_store(StoreURL.parse(url), StoreURL.parse(postgres_server.url(database)))


def test_the_search_path_of_a_url_is_kept(postgres_server: Server, database: str) -> None:
    url = f"{postgres_server.url(database)}?options=-csearch_path%3Dlegacy"
    with psycopg.connect(postgres_server.url(database), autocommit=True) as connection:
        connection.execute("create schema legacy")
    with open_writer(url) as writer:
        writer.create_missing()
    with open_reader(url) as reader:
        assert "positions" in reader.tables()
    with open_reader(postgres_server.url(database)) as reader:
        assert reader.tables() == set()


def test_a_schema_of_prismas_is_the_search_path(postgres_server: Server, database: str) -> None:
    with psycopg.connect(postgres_server.url(database), autocommit=True) as connection:
        connection.execute('create schema "my ""own\\"')
    with open_reader(f"{postgres_server.url(database)}?schema=my%20%22own%5C") as reader:
        assert reader.query("select current_schema()::text as name").item() == 'my "own\\'
        assert reader.tables() == set()


PIECES = ("Xq7z", "Wk3v")
RAW = ("{}@{}", "{}/@{}", "{}@/{}", "{}@?{}", "{}@?a={}", "{}?{}", "{}#{}", "{}%{}", "{}%zz{}", "{}@x/{}")


@pytest.mark.parametrize("form", RAW)
def test_no_piece_of_a_raw_password_is_shown(form: str) -> None:
    url = f"postgresql+asyncpg://app:{form.format(*PIECES)}@127.0.0.1:1/db"
    for opened in (open_reader, open_writer):
        with pytest.raises(StoreUnreachableError, match="in a password @ is written %40") as caught:
            opened(url)
        assert not any(piece in str(caught.value) for piece in PIECES)


def test_the_environment_completes_a_url(
    postgres_server: Server, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", postgres_server.socket)
    monkeypatch.setenv("PGUSER", GUARDED)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with open_reader(f"postgresql:///{database}") as reader:
        assert reader.query("select current_user::text as name").item() == GUARDED
    given = StoreURL.parse(f"postgresql:///{database}"), StoreURL.parse(postgres_server.url(database))
    assert same_store(*given)


def test_a_password_file_is_read(
    postgres_server: Server, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    escaped = PASSWORD.replace(":", "\\:")
    (tmp_path / "pass").write_text(f"*:*:*:{GUARDED}:{escaped}\n")
    (tmp_path / "pass").chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pass"))
    with open_reader(postgres_server.url(database, GUARDED)) as reader:
        assert reader.tables() == set()


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("duckdb:////abs/x.duckdb", "/abs/x.duckdb"),
        ("duckdb:///x.duckdb", "x.duckdb"),
        ("duckdb:///./x.duckdb", "x.duckdb"),
        ("duckdb:///no/such/x.duckdb", "no/such/x.duckdb"),
        ("parquet:////a b/c#d?e%20", "/a b/c#d?e%20"),
        ("parquet://folder/sub", "folder/sub"),
    ],
)
def test_the_path_of_a_file_store(url: str, path: str) -> None:
    assert StoreURL.parse(url).path == Path(path)


def test_three_slashes_lead_to_an_absolute_path_whose_folder_exists(tmp_path: Path) -> None:
    assert StoreURL.parse(f"duckdb://{tmp_path}/x.duckdb").path == tmp_path / "x.duckdb"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("postgresql://u@h/db", "postgres://u@h:5432/db", True),
        ("postgresql://u@h/db", "postgresql+asyncpg://u@h/db?ssl=require", True),
        ("postgresql://u@h/db", "postgresql://v:pw@h/db?sslmode=disable", True),
        ("postgresql://u@%2Fs/db", "postgresql://u@/db?host=/s", True),
        ("postgresql://u@h/db", "postgresql://u@h/other", False),
        ("postgresql://u@h/db", "postgresql://u@h:5433/db", False),
        ("postgresql://u@h/db", "duckdb:///db", False),
        ("duckdb:///x", "duckdb:///./x", True),
        ("duckdb:///x", "parquet:///x", False),
        ("DUCKDB:///x", "duckdb:///x", True),
    ],
)
def test_whether_two_urls_name_one_store(one: str, other: str, same: bool) -> None:
    urls = [StoreURL.parse(one), StoreURL.parse(other)]
    assert same_store(*urls) is same
    assert same_store(*reversed(urls)) is same


def test_one_database_by_two_names_of_its_server_is_one_store(
    postgres_server: Server, database: str, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(postgres_server.socket)
    given = StoreURL.parse(postgres_server.url(database))
    linked = StoreURL.parse(f"postgresql://postgres@/{database}?host={tmp_path}/link")
    other = StoreURL.parse(f"postgresql://postgres@/template1?host={tmp_path}/link")
    assert same_store(given, linked)
    assert not same_store(given, other)
    with store_lock(given, wait=False):
        assert lock_holder(linked)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:pw@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u@h/db", "postgresql://u@h/db"),
        ("postgresql://u:p@w@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u:p/w@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u:p?w@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u:p#w@h/db", "postgresql://u:***@h/db"),
        ("postgresql://:pw@h/db", "postgresql://:***@h/db"),
        ("postgresql://u:pw@[::1/db", "postgresql://u:***@[::1/db"),
        ("postgresql://u@h/db?password=pw", "postgresql://u@h/db?password=***"),
        ("postgresql://u@h/db?a=b&PassWord=p%3Dw&c=d", "postgresql://u@h/db?a=b&PassWord=***&c=d"),
        ("postgresql://u@h/db?pass%77ord=pw", "postgresql://u@h/db?pass%77ord=***"),
        ("postgresql://u@h/db?sslpassword=pw", "postgresql://u@h/db?sslpassword=***"),
        ("duckdb:////a/b@c:d", "duckdb:////a/b@c:d"),
        ("parquet:///a", "parquet:///a"),
        ("", ""),
    ],
)
def test_what_is_shown_of_a_url(url: str, shown: str) -> None:
    assert repr(Store(url)) == f"Store({shown!r})"
    assert safe_url(url) == str(StoreURL.parse(url)) == shown
    assert repr(StoreURL.parse(url)) == f"StoreURL({shown!r})"


def test_a_drivers_words_are_one_line_without_secrets() -> None:
    url = "postgresql://u:p%40w@h/db"
    said = f'bad "{url}"\nfor p@w, spelt p%40w\nLINE 1: select\n   ^'
    assert scrubbed(said, url) == 'bad "postgresql://u:***@h/db" for ***, spelt ***'


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("DuckDB:///x", "duckdb"),
        ("Postgres://h/d", "postgresql"),
        ("x", ""),
        ("", ""),
        ("a:b", "a"),
        ("postgres+asyncpg://h/d", "postgresql"),
        ("duckdb+x:///d", "duckdb+x"),
    ],
)
def test_the_kind_of_a_url(url: str, kind: str) -> None:
    assert StoreURL.parse(url).kind == kind
    assert StoreURL.parse(StoreURL.parse(url)).text == url
