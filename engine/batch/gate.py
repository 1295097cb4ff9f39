"""The gate: which sessions of which portfolios a run may compute, by the closes that the store has.

Three decisions, the same for every command. A session is *never computed* if it lies after the run date,
before the first close of the store, or if no quoted symbol that the store holds has a close. A portfolio's
session is *held back* if its closes cover too little of its value and one of the missing closes may still
come; its later sessions then wait for it. If no missing close can come any more, or if the user named the
window, the session is computed and its status is *partial*.

The functions are pure: frames in, decisions out. `engine.batch.gate_inputs` reads the frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import NamedTuple

import polars as pl

from engine.core.calendar import clamped, sessions
from engine.core.instruments import is_quoted, multiplier

THRESHOLD = 0.95
"""The fraction of a portfolio's value that closes must cover: the legacy batch warned when more than 5 % of
the symbols lacked one (document 04 §4.5)."""
WAIT = 3
"""Sessions that may pass before a missing close is taken as final."""
NAMED_LOTS = 5
"""Lots named in a reason; the report has all of them."""
NO_CLOSE = "no quoted symbol that the store holds has a close"
KEY = ["portfolio_id", "date"]
SESSIONS: dict[str, pl.DataType] = {"portfolio_id": pl.String(), "date": pl.Date()}
DECIDED = {**SESSIONS, "reason": pl.String()}
UNPRICED = {**SESSIONS, "symbol": pl.String(), "weight": pl.Float64(), "awaited": pl.Boolean()}


class Policy(NamedTuple):
    """Rules of a run on missing closes.

    Attributes:
        run_date: the day that counts as today.
        threshold: the fraction of a portfolio's value that closes must cover, 0 to 1.
        hold: whether sessions wait for closes that may still come; not in a window that the user named.
        allow_stale: whether sessions with too few closes, or none, are computed all the same.
    """

    run_date: date
    threshold: float = THRESHOLD
    hold: bool = True
    allow_stale: bool = False


class CloseData(NamedTuple):
    """Closes of the symbols that a store holds, and what is known of those that are missing.

    Attributes:
        closes: symbol, date, close (Float64, above 0), on the days asked about.
        older: symbol, close: the newest before those days.
        newest: symbol, newest: the day of the newest close.
        absent: symbol, date: sessions of which the provider has answered that there is no bar.
        unknown: symbols that the provider does not know, and that have not been traded lately.
        first: the oldest day with a close of any symbol; None in a store without closes, and where one is
            older than those days.
        holes: of `missing_closes` on the days asked about; None where nobody has looked for them.
    """

    closes: pl.DataFrame
    older: pl.DataFrame = pl.DataFrame(schema={"symbol": pl.String(), "close": pl.Float64()})
    newest: pl.DataFrame = pl.DataFrame(schema={"symbol": pl.String(), "newest": pl.Date()})
    absent: pl.DataFrame = pl.DataFrame(schema={"symbol": pl.String(), "date": pl.Date()})
    unknown: frozenset[str] = frozenset()
    first: date | None = None
    holes: pl.DataFrame | None = None


class Decisions(NamedTuple):
    """Decisions on the sessions that are due; one that is in none of the frames is computed.

    Attributes:
        never: date, reason: sessions that are not computed for any portfolio.
        held_back: portfolio_id, date, reason: sessions that wait for closes.
        partial: portfolio_id, date, reason: sessions that are computed from too few closes.
        unpriced: portfolio_id, date, symbol, weight (fraction of the value of the portfolio's quoted lots),
            awaited (never where no session may wait): the lots without a close in sessions that are computed
            or held back.
    """

    never: pl.DataFrame = pl.DataFrame(schema={"date": pl.Date(), "reason": pl.String()})
    held_back: pl.DataFrame = pl.DataFrame(schema=DECIDED)
    partial: pl.DataFrame = pl.DataFrame(schema=DECIDED)
    unpriced: pl.DataFrame = pl.DataFrame(schema=UNPRICED)


def quoted_lots(positions: pl.DataFrame) -> pl.DataFrame:
    """Return the lots that a market quotes: no private asset, synthetic symbol, contract or deleted lot.

    Args:
        positions: rows of positions.

    Returns:
        portfolio_id; symbol, canonical; units (shares, not negative); entry_price; first, last: the days
        between which the lot is open, both included. A lot is not open on the day of its exit.
    """
    kept = positions.drop_nulls(["portfolio_id", "symbol", "entry_date"]).filter(
        pl.col("deleted_at").is_null(), is_quoted()
    )
    before_exit = pl.col("exit_date") - pl.duration(days=1)
    return kept.select(
        "portfolio_id",
        symbol=pl.col("symbol").str.strip_chars().str.to_uppercase(),
        units=(pl.col("quantity").cast(pl.Float64) * multiplier()).abs().fill_null(0.0).fill_nan(0.0),
        entry_price=pl.col("entry_price").cast(pl.Float64).fill_null(0.0).fill_nan(0.0),
        first="entry_date",
        last=pl.min_horizontal(before_exit, "expiration_date").fill_null(date.max),
    )


def missing_closes(lots: pl.DataFrame, days: Sequence[date], closes: pl.DataFrame) -> pl.DataFrame:
    """Return symbol, date: days on which a symbol that is held has no close.

    Args:
        lots: of `quoted_lots`.
        days: sessions.
        closes: symbol, date.
    """
    calendar = pl.DataFrame({"date": pl.Series(days, dtype=pl.Date)})
    spans = lots.group_by("symbol").agg(pl.col("first").min(), pl.col("last").max())
    cells = spans.join(calendar, how="cross").filter(pl.col("date").is_between("first", "last"))
    return cells.select("symbol", "date").join(closes, on=["symbol", "date"], how="anti")


def decide(due: pl.DataFrame, lots: pl.DataFrame, data: CloseData, policy: Policy) -> Decisions:
    """Return the decisions on the sessions that are due.

    Args:
        due: portfolio_id, date.
        lots: of `quoted_lots`, of all portfolios of the store.
        data: the closes on the days of `due`.
        policy: of the run.
    """
    days = due["date"].unique().sort().to_list()
    never = never_computed(days, lots, data, policy)
    possible = due.join(never, on="date", how="anti")
    unpriced = unpriced_lots(possible, lots, data, policy)
    short = _short_sessions(unpriced, policy.threshold)
    if short.is_empty():
        return Decisions(never, unpriced=unpriced)
    first = short.filter("awaited").sort("date").unique("portfolio_id", keep="first", maintain_order=True)
    held_back = _with_later(_explained(first, policy.threshold, "waiting for"), possible)
    partial = short.join(held_back, on=KEY, how="anti", maintain_order="left")
    return Decisions(never, held_back, _explained(partial, policy.threshold, "no close of"), unpriced)


def never_computed(days: Sequence[date], lots: pl.DataFrame, data: CloseData, policy: Policy) -> pl.DataFrame:
    """Return date, reason of the days that no run computes.

    Args:
        days: ascending.
        lots: of `quoted_lots`, of all portfolios of the store. A store without any is not gated by closes.
        data: the closes on these days.
        policy: of the run. Stale closes may be allowed, the future may not.
    """
    future = f"after {policy.run_date}, the run date"
    reasons = {day: future for day in days if day > policy.run_date}
    if not policy.allow_stale and not lots.is_empty():
        early = f"before {data.first}, the first close of the store"
        reasons |= {day: early for day in days if data.first and day < data.first}
        reasons |= dict.fromkeys(days_without_closes(lots, days, data.closes) - reasons.keys(), NO_CLOSE)
    rows = sorted(reasons.items())
    return pl.DataFrame(rows, schema={"date": pl.Date, "reason": pl.String}, orient="row")


def days_without_closes(lots: pl.DataFrame, days: Sequence[date], closes: pl.DataFrame) -> set[date]:
    """Return the days on which quoted lots are held and none of their symbols has a close.

    Args:
        lots: of `quoted_lots`.
        days: sessions.
        closes: symbol, date.
    """
    spans = lots.select("symbol", "first", "last").unique()
    held = pl.col("date").is_between("first", "last")
    priced = set(closes.join(spans, on="symbol").filter(held)["date"].unique())
    bare = pl.DataFrame({"date": pl.Series([day for day in days if day not in priced], dtype=pl.Date)})
    return set(spans.join(bare, how="cross").filter(held)["date"])


def unpriced_lots(due: pl.DataFrame, lots: pl.DataFrame, data: CloseData, policy: Policy) -> pl.DataFrame:
    """Return the lots without a close, with their weight: columns of `UNPRICED`.

    A lot without a close is valued by the newest close before the day, else by its entry price.

    Args:
        due: portfolio_id, date.
        lots: of `quoted_lots`.
        data: the closes on these days.
        policy: of the run.
    """
    holes = data.holes
    if holes is None:
        holes = missing_closes(lots, due["date"].unique().sort().to_list(), data.closes)
    affected = _open_lots(lots.join(holes, on="symbol"), due).select(KEY).unique()
    if affected.is_empty():
        return pl.DataFrame(schema=UNPRICED)
    valued = _valued(_open_lots(lots.join(affected, on="portfolio_id"), due), data)
    total = pl.col("value").sum().over(KEY)
    weighed = valued.with_columns(weight=pl.when(total > 0).then(pl.col("value") / total).otherwise(0.0))
    missing = weighed.join(holes, on=["symbol", "date"], how="semi")
    rows = missing.group_by(*KEY, "symbol").agg(pl.col("weight").sum(), pl.col("first").min())
    waits = policy.hold and not policy.allow_stale
    rows = rows.with_columns(awaited=_awaited(rows, data, policy.run_date) if waits else pl.lit(False))
    return rows.select(UNPRICED.keys()).sort(*KEY, "symbol")


def _open_lots(lot_days: pl.DataFrame, due: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of lots that are open on their day, of sessions that are due."""
    held = lot_days.filter(pl.col("date").is_between("first", "last"))
    return held.join(due, on=KEY, how="semi")


def _valued(lot_days: pl.DataFrame, data: CloseData) -> pl.DataFrame:
    """Add `value`, USD, by the newest close up to the day."""
    before = data.older.select("symbol", pl.lit(date.min).alias("date"), "close")
    known = pl.concat([before, data.closes.select("symbol", "date", "close")]).sort("date")
    priced = lot_days.sort("date").join_asof(known, on="date", by="symbol", check_sortedness=False)
    return priced.with_columns(value=pl.col("units") * pl.coalesce("close", "entry_price"))


def _awaited(rows: pl.DataFrame, data: CloseData, run_date: date) -> pl.Series:
    """Return whether each missing close may still come.

    The symbol has no later close, the provider has not answered that there is no bar, and at most `WAIT`
    sessions have passed since, nor more than that before it without a close: a symbol that is no longer
    traded does not hold its portfolio back for ever.

    Args:
        rows: symbol, date, first: the day of the oldest entry of these lots.
        data: what the store knows of closes.
        run_date: what counts as today.
    """
    today = clamped(run_date)
    calendar = pl.Series(sessions(clamped(today - timedelta(days=60)), today), dtype=pl.Date)
    facts = rows.join(data.newest, on="symbol", how="left", maintain_order="left").join(
        data.absent.with_columns(absent=pl.lit(True)),
        on=["symbol", "date"],
        how="left",
        maintain_order="left",
    )
    known = pl.max_horizontal("newest", pl.col("first") - pl.duration(days=1))
    facts = facts.with_columns(base=pl.min_horizontal(known, "date"))
    at, base = (calendar.search_sorted(facts[name], side="right") for name in ("date", "base"))
    recent = (len(calendar) - at.cast(pl.Int64) <= WAIT) & (
        at.cast(pl.Int64) - base.cast(pl.Int64) <= WAIT + 1
    )
    open_question = facts.select(
        (pl.col("newest") < pl.col("date")).fill_null(True)
        & pl.col("absent").is_null()
        & ~pl.col("symbol").is_in(list(data.unknown))
    ).to_series()
    return recent & open_question


def _short_sessions(unpriced: pl.DataFrame, threshold: float) -> pl.DataFrame:
    """Return the sessions whose closes cover too little: portfolio_id, date, covered, awaited, lots, more."""
    weight = pl.col("weight")
    heaviest_first = unpriced.sort("weight", descending=True, maintain_order=True)
    return (
        heaviest_first.group_by(KEY, maintain_order=True)
        .agg(
            covered=1 - weight.sum(),
            awaited=pl.col("awaited").any(),
            lots=pl.format("{} ({}%)", "symbol", (100 * weight).round(1)).head(NAMED_LOTS).str.join(", "),
            more=pl.len().cast(pl.Int64) - NAMED_LOTS,
        )
        .filter(pl.col("covered") < threshold - 1e-12)
        .sort(KEY)
    )


def _explained(short: pl.DataFrame, threshold: float, verb: str) -> pl.DataFrame:
    """Return portfolio_id, date, reason."""
    more = pl.when(pl.col("more") > 0).then(pl.format(" and {} more", "more")).otherwise(pl.lit(""))
    covered = (100 * pl.col("covered")).round(1)
    bound = pl.lit(f"{100 * threshold:g}")
    words = "closes cover {}% of the value of the quoted lots, less than {}%; " + verb + " {}{}"
    return short.select(*KEY, reason=pl.format(words, covered, bound, "lots", more))


def _with_later(first: pl.DataFrame, due: pl.DataFrame) -> pl.DataFrame:
    """Return the first sessions that are held back, and the later ones of their portfolios."""
    begins = first.select("portfolio_id", since="date", why="reason")
    rows = due.join(begins, on="portfolio_id").filter(pl.col("date") >= pl.col("since"))
    waits = pl.format("waits for the session of {}: {}", "since", "why")
    reason = pl.when(pl.col("date") == pl.col("since")).then("why").otherwise(waits)
    return rows.select(*KEY, reason=reason).sort(KEY)


def spans(days: Sequence[tuple[date, str]]) -> list[str]:
    """Return a line for each run of consecutive (day, reason) with one reason."""
    runs = [(why, [day for day, _ in rows]) for why, rows in groupby(days, lambda row: row[1])]
    return [
        f"{len(part)} session{'s' * (len(part) > 1)}, {part[0]} to {part[-1]}: {why}" for why, part in runs
    ]
