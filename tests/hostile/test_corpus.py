"""Bad input ends in a typed refusal or in right figures, and never touches a healthy portfolio.

`python -m tests.hostile.corpus -v` shows how each of all the cases ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from engine.analytics.stress.scenarios import load_scenarios
from engine.batch.backfill import backfill
from engine.core.errors import EngineError
from engine.core.frames import empty
from engine.core.rules import Rules
from engine.core.schema import TABLES
from engine.pipeline.inputs import Inputs
from engine.pipeline.results import Results
from tests.builders import uid
from tests.hostile.corpus import (
    BROKEN,
    EVERYDAY_STEP,
    HOSTILE,
    RUN_DATE,
    SESSIONS,
    Bad,
    Change,
    clean,
    corpus,
    end_of,
    more,
    moved,
    put,
)
from tests.reference.derivation import differences
from tests.stores.support import files

PARTS = 8
LEAST = 200


def snapshots(results: Results) -> pl.DataFrame:
    return results["portfolio_snapshots"].sort("portfolio_id", "snapshot_date")


def of_healthy(results: Results) -> pl.DataFrame:
    return snapshots(results).filter(pl.col("portfolio_id").is_in([uid("Well"), uid("Fine")]))


@cache
def undisturbed() -> pl.DataFrame:
    results = end_of(Bad("none", lambda frames: frames)).results
    assert results is not None
    return of_healthy(results)


def faults(bad: Bad) -> tuple[str, list[str]]:
    """Return the end of a case, and what is wrong with it."""
    try:
        end = end_of(bad)
    except Exception as error:
        return "untyped", [f"{bad.name}: {type(error).__name__}: {error}"]
    found = [] if end.way in bad.ends else [f"{bad.name}: {end.way}: {end.words}"]
    if end.results is None or end.inputs is None:
        return end.way, found
    if not bad.shared and not of_healthy(end.results).equals(undisturbed()):
        found.append(f"{bad.name}: a healthy portfolio has changed")
    judged_here = end.inputs if bad.shared else end.inputs.of([uid(BROKEN)])
    wrong = underived(judged_here, end.results)
    return end.way, found + [f"{bad.name}: {line}" for line in wrong]


def underived(inputs: Inputs, results: Results) -> list[str]:
    """The figures of snapshots that the slow derivation does not give."""
    return differences(inputs, results, {}, Rules.legacy(), load_scenarios(), ("portfolio_snapshots",))


def judged(cases: list[Bad], record: Callable[[str, object], None]) -> None:
    """All must end well; the tally goes to the summary."""
    ends = [faults(bad) for bad in cases]
    record("tally", dict(Counter(way for way, _ in ends)))
    assert [line for _, lines in ends for line in lines] == []


def test_the_figures_of_the_undisturbed_world_are_right() -> None:
    end = end_of(Bad("none", lambda frames: frames))
    assert end.inputs is not None
    assert end.results is not None
    assert underived(end.inputs, end.results) == []


def test_the_corpus_is_large() -> None:
    assert len(corpus(EVERYDAY_STEP)) >= LEAST
    names = [bad.name for bad in corpus()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("part", range(PARTS))
def test_bad_input_ends_in_a_refusal_or_in_right_figures(
    part: int, record_property: Callable[[str, object], None]
) -> None:
    judged(corpus(EVERYDAY_STEP)[part::PARTS], record_property)


@pytest.mark.slow
def test_all_bad_inputs_end_in_a_refusal_or_in_right_figures(
    record_property: Callable[[str, object], None],
) -> None:
    judged(corpus(), record_property)


WHOLE_RUNS: dict[str, Change] = {
    "drop table as a symbol": moved(HOSTILE),
    "drop table as a name": put("portfolios", "name", HOSTILE),
    "quotes as a symbol": moved("a'b\"c`d"),
    "unicode as a symbol": moved("Ω漢字🚀"),
    "a zero byte": moved("a\x00b"),
    "no id": put("portfolios", "id", None),
    "an id that is none": put("portfolios", "id", HOSTILE),
    "an orphan": put("positions", "portfolio_id", uid("nobody")),
    "infinite equity": put("portfolios", "equity_balance", float("inf"), pl.Float64),
    "no equity": put("portfolios", "equity_balance", None),
    "text for numbers": lambda frames: (
        frames | {"positions": frames["positions"].with_columns(quantity=pl.lit("many"))}
    ),
    "another schema": lambda frames: frames | {"positions": frames["positions"].drop("quantity")},
    "an empty store": lambda frames: {name: frame.clear() for name, frame in frames.items()},
    "a position twice": lambda frames: (
        frames | {"positions": pl.concat([frames["positions"], frames["positions"].head(1)])}
    ),
    "nothing more": more("tags_v2", []),
}


@pytest.mark.parametrize("name", WHOLE_RUNS)
def test_a_whole_run_over_bad_input(name: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for table, frame in WHOLE_RUNS[name](clean()).items():
        frame.write_parquet(source / f"{table}.parquet")
    for table in ("benchmarks_sector_weights", "stress_test_scenarios"):
        empty(TABLES[table]).write_parquet(source / f"{table}.parquet")
    before = {path.name: path.read_bytes() for path in source.iterdir()}
    target = f"parquet:///{tmp_path}/target"
    try:
        report = backfill(
            f"parquet:///{source}", target, start=SESSIONS[0], end=SESSIONS[-1], run_date=RUN_DATE
        )
    except EngineError:
        assert "portfolio_snapshots" not in files(tmp_path / "target")
    else:
        if report.window is not None and report.portfolios:
            stored = files(tmp_path / "target")["portfolio_snapshots"].sort("portfolio_id", "snapshot_date")
            healthy = stored.filter(pl.col("portfolio_id").is_in([uid("Well"), uid("Fine")]))
            money = ["equity_balance", "daily_pnl", "net_exposure", "gross_exposure"]
            assert healthy.select(money).equals(undisturbed().select(money))
            refused = set(report.failures["portfolio_id"])
            assert not refused & set(stored["portfolio_id"])
    assert {path.name: path.read_bytes() for path in source.iterdir() if path.suffix == ".parquet"} == before
