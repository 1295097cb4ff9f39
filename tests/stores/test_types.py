"""Types as they come: the same figures from each, or an error that names the column or the symbols."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import polars as pl
import pytest

from engine.core.errors import ColumnTypeError, SpellingError
from engine.core.schema import TABLES
from tests.small_stores import Content, a_user, content, database, folder, run, unequal, world
from tests.stores.support import copied, run_sql

Change = Callable[[Content], Content]
OUTPUTS = [name for name, table in TABLES.items() if table.role == "output"]


def each(kind: str, change: Callable[[pl.Expr], pl.Expr]) -> Change:
    """Change the columns of a kind in all tables."""

    def changed(frames: Content) -> Content:
        return {
            name: frame.with_columns(
                change(pl.col(column.name)).alias(column.name)
                for column in TABLES[name].columns
                if column.type.kind == kind
            )
            for name, frame in frames.items()
        }

    return changed


def as_bytes(column: pl.Expr) -> pl.Expr:
    return column.map_elements(lambda text: UUID(text).bytes, return_dtype=pl.Binary)


def with_nan(column: pl.Expr) -> pl.Expr:
    return column.cast(pl.Float64).fill_null(float("nan"))


FORMS: dict[str, Change] = {
    "ids in capitals": each("uuid", lambda column: column.str.to_uppercase()),
    "ids in braces": each("uuid", lambda column: "{" + column.str.to_uppercase() + "}"),
    "ids without hyphens": each("uuid", lambda column: column.str.replace_all("-", "")),
    "ids as URNs": each("uuid", lambda column: "urn:uuid:" + column),
    "ids with blanks": each("uuid", lambda column: column + " "),
    "ids in bytes": each("uuid", as_bytes),
    "days as times in nanoseconds": each("date", lambda column: column.cast(pl.Datetime("ns"))),
    "days as times in UTC": each("date", lambda column: column.cast(pl.Datetime("us", "UTC"))),
    "times without a zone": each("timestamp", lambda column: column.dt.replace_time_zone(None)),
    "numbers as floats": each("numeric", lambda column: column.cast(pl.Float64)),
    "whole numbers as floats": each("integer", lambda column: column.cast(pl.Float64)),
    "numbers with NaN for null": each("numeric", with_nan),
    "truth as 0 and 1": each("boolean", lambda column: column.cast(pl.Int8)),
    "texts as categories": each("text", lambda column: column.cast(pl.Categorical)),
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Content:
    """Results of a run from the schema's own types."""
    return outputs(folder(tmp_path_factory.mktemp("plain") / "a", world(users=[a_user()])))


def outputs(source: str) -> Content:
    """Every output table of a run from a source."""
    target = f"{source.replace('parquet:///', 'duckdb:///').replace('.duckdb', '')}_out.duckdb"
    report = run(source, target if not source.startswith("postgresql") else None)
    assert report.complete
    rows = content(target if not source.startswith("postgresql") else source)
    return {name: rows[name] for name in OUTPUTS}


@pytest.mark.thorough
@pytest.mark.parametrize("change", FORMS.values(), ids=FORMS.keys())
def test_files_of_other_types_give_the_same_figures(change: Change, tmp_path: Path, plain: Content) -> None:
    source = folder(tmp_path / "a", change(world(users=[a_user()])))
    assert unequal(outputs(source), plain) == []


@pytest.mark.thorough
@pytest.mark.parametrize("form", ["ids in capitals", "ids in braces", "ids without hyphens", "ids in bytes"])
def test_a_database_file_with_ids_in_any_form_gives_the_same_figures(
    form: str, tmp_path: Path, plain: Content
) -> None:
    source = folder(tmp_path / "a", FORMS[form](world(users=[a_user()])))
    made = f"duckdb:///{tmp_path}/made.duckdb"
    for path in sorted((tmp_path / "a").glob("*.parquet")):
        run_sql(made, f"create table {path.stem} as from read_parquet('{path}')")
    assert source
    assert unequal(outputs(made), plain) == []


def test_a_day_with_a_time_is_no_day(tmp_path: Path) -> None:
    noon = each("date", lambda column: column.cast(pl.Datetime("us")) + pl.duration(hours=12))
    with pytest.raises(ColumnTypeError, match=r"column entry_date.*expected date"):
        run(folder(tmp_path / "a", noon(world())), f"duckdb:///{tmp_path}/x.duckdb")


CITEXT = "select 1 from pg_available_extensions where name = 'citext'"
POSTGRES = {
    "texts of a fixed width": [
        "alter table market_data_cache alter symbol type char(20)",
        "alter table company_profiles alter symbol type char(30)",
    ],
    "symbols of positions of a fixed width": ["alter table positions alter symbol type char(20)"],
    "citext": ["create extension citext", "alter table market_data_cache alter symbol type citext"],
    "days as times": ["alter table market_data_cache alter date type timestamp"],
    "ids of prices as texts": [
        "alter table market_data_cache alter id type varchar",
        "update market_data_cache set id = '{' || upper(id) || '}'",
    ],
    "a materialized view": [
        "alter table market_data_cache rename to closes",
        "create materialized view market_data_cache as select * from closes",
    ],
}


@pytest.mark.thorough
@pytest.mark.parametrize("statements", POSTGRES.values(), ids=POSTGRES.keys())
def test_types_of_postgres_give_the_same_figures(
    statements: list[str], tmp_path: Path, plain: Content, postgres_url: str
) -> None:
    copied(folder(tmp_path / "a", world(users=[a_user()])), postgres_url)
    if "citext" in statements[0] and not run_sql(postgres_url, CITEXT):
        pytest.skip("this server comes without citext")
    for text in statements:
        run_sql(postgres_url, text)
    assert unequal(outputs(postgres_url), plain) == []


SPELLINGS = {
    "small letters": lambda column: column.str.to_lowercase(),
    "blanks": lambda column: column + " ",
    "padded": lambda column: column.str.pad_end(20),
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS.keys())
@pytest.mark.parametrize("kind", ["parquet", "duckdb"])
def test_prices_under_another_spelling_are_named(
    spell: Callable[[pl.Expr], pl.Expr], kind: str, tmp_path: Path
) -> None:
    frames = world()
    frames["market_data_cache"] = frames["market_data_cache"].with_columns(spell(pl.col("symbol")))
    make = folder if kind == "parquet" else database
    with pytest.raises(SpellingError, match=r"for 'AAA'.*in capitals and without blanks"):
        run(make(tmp_path / "a", frames), f"duckdb:///{tmp_path}/x.duckdb")
