"""The comparison of forecasts on a store, against a slow derivation with pandas."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

import engine
from engine.cli.main import main
from engine.core.errors import UsageError

CLOSES = Path(__file__).parents[1] / "golden" / "mixed" / "inputs" / "market_data_cache.parquet"
UNTIL = date(2025, 3, 31)


def store(folder: Path, closes: pl.DataFrame) -> str:
    folder.mkdir()
    closes.write_parquet(folder / CLOSES.name)
    return f"parquet://{folder}"


@pytest.fixture(scope="module")
def some() -> pl.DataFrame:
    closes = pl.read_parquet(CLOSES)
    return closes.filter(pl.col("symbol").is_in(["SPY", "QQQ", "IWM", "TLT", "AAPL", "MSFT"]))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, some: pl.DataFrame) -> engine.Score:
    return engine.score(store(tmp_path_factory.mktemp("score") / "all", some), until=UNTIL)


def pairs(closes: pl.DataFrame) -> pd.DataFrame:
    """EWMA, mean-reverting forecast and outcome of each symbol and session, with pandas."""
    parts = []
    for _, rows in closes.filter(pl.col("date") <= UNTIL, pl.col("close") > 0).group_by("symbol"):
        series = pd.Series(rows["close"].cast(float).to_numpy(), rows["date"].to_numpy()).sort_index()
        x = series.pct_change().dropna() ** 2
        part = pd.DataFrame({"rv": x.rolling(21).mean().shift(-21), "ewma": x.ewm(alpha=0.06).mean()})
        # A look-back of 365 days holds the close before its first return.
        old = {day: series[day - pd.Timedelta(days=365) : day].index[0] for day in x.index}
        year = {day: x[(x.index > old[day]) & (x.index <= day)] for day in x.index}
        part["mixed"] = [2 * y.ewm(alpha=0.06).mean().iloc[-1] / 3 + y.mean() / 3 for y in year.values()]
        parts.append(part.iloc[125:].dropna())
    return pd.concat(parts)


def test_the_scores_are_those_of_a_slow_derivation(found: engine.Score, some: pl.DataFrame) -> None:
    table = pairs(some)
    for name, column in (("ewma", "ewma"), ("mean_reverting", "mixed")):
        row = found.scores.row(by_predicate=pl.col("candidate") == name, named=True)
        ratio = table["rv"] / table[column]
        assert row["pairs"] == len(table)
        assert row["qlike"] == pytest.approx((ratio - np.log(ratio) - 1).mean(), rel=1e-9)
        assert row["sum_ratio"] == pytest.approx(table[column].sum() / table["rv"].sum(), rel=1e-9)


def test_option_contracts_are_left_out(found: engine.Score, some: pl.DataFrame, tmp_path: Path) -> None:
    """A premium that halves and doubles would be most of the sum of all outcomes."""
    option = some.filter(symbol="SPY").with_columns(symbol=pl.lit("SPY250919C00600000"), id=pl.lit("x"))
    premium = pl.when(pl.int_range(pl.len()) % 2 == 0).then(2.0).otherwise(1.0).cast(pl.Decimal(12, 4))
    url = store(tmp_path / "options", pl.concat([some, option.with_columns(close=premium)]))
    other = engine.score(url, until=UNTIL)
    assert (found.left_out, other.left_out) == (0, 1)
    assert other.scores.equals(found.scores, null_equal=True)


def test_closes_after_the_last_day_change_no_bit(
    found: engine.Score, some: pl.DataFrame, tmp_path: Path
) -> None:
    cut = store(tmp_path / "cut", some.filter(pl.col("date") <= UNTIL))
    alone = engine.score(cut)
    assert alone.scores.equals(found.scores, null_equal=True)
    assert (alone.until, alone.last, alone.dates) == (found.until, found.last, found.dates)
    wild = (
        pl.when(pl.col("date") > UNTIL).then(pl.col("close") * 3).otherwise("close").cast(pl.Decimal(12, 4))
    )
    other = engine.score(store(tmp_path / "wild", some.with_columns(close=wild)), until=UNTIL)
    assert other.scores.equals(found.scores, null_equal=True)


def test_the_command_prints_a_table_or_json(
    some: pl.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = store(tmp_path / "all", some)
    assert main(["score", url, "--until", f"{UNTIL}", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["candidates"][0]["candidate"] == "ewma"
    assert answer["until"] == f"{UNTIL}"
    assert main(["score", url, "--until", f"{UNTIL}"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[4:]] == [row["candidate"] for row in answer["candidates"]]


def test_a_store_without_enough_closes_is_refused(some: pl.DataFrame, tmp_path: Path) -> None:
    few = store(tmp_path / "few", some.filter(pl.col("date") < date(2024, 6, 1)))
    with pytest.raises(UsageError, match="no symbol with 148 closes"):
        engine.score(few)
    none = store(tmp_path / "none", some.clear())
    with pytest.raises(UsageError, match="has no close: collect prices first"):
        engine.score(none)
