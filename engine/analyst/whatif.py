"""What-if: inputs with something changed, in memory. Nothing is read, and nothing is stored.

Each edit takes inputs and gives new ones; what it changes is held to the rules that loaded rows
are held to.

    >>> import engine
    >>> from datetime import date
    >>> store = engine.open("duckdb:///demo.duckdb")
    >>> growth = "Demo Growth 3"
    >>> before = store.inputs(date(2025, 11, 3), date(2025, 12, 19), growth, run_date=date(2025, 12, 19))
    >>> symbol = before.positions["symbol"][0]
    >>> after = engine.whatif.resize_position(before, symbol, factor=0.5)
    >>> after = engine.whatif.shock_prices(after, -0.1, since=date(2025, 12, 1), symbols=["SPY", symbol])
    >>> changed = engine.what_changed(engine.compute(before), engine.compute(after))
    >>> changed.summary.columns
    ['table', 'figure', 'unit', 'cells', 'largest_change']
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import polars as pl

from engine.analyst.edits import EditError, admitted, exact_value, mirrored, new_rows
from engine.analytics.stress.scenarios import Scenarios
from engine.core.calendar import last_session
from engine.core.instruments import OPTION_TYPES, unquoted
from engine.core.money import TICK_SCALE, decimal, half_away, integer, scaled
from engine.core.names import AmbiguousNameError, UnknownNameError, portfolio_id
from engine.core.row_ids import row_ids
from engine.core.schema import TABLES
from engine.pipeline.inputs import Inputs

Number = Decimal | int | float | str
"""A figure; a float stands for its shortest decimal text."""

POSITIONS = TABLES["positions"]
MARKS = ("market_value", "unrealized_pnl")
FACTOR_SCALE = 12
"""Decimals of the factor that a shock multiplies prices by."""


def add_position(
    inputs: Inputs,
    symbol: str,
    quantity: Number,
    *,
    portfolio: str | UUID | None = None,
    entry_date: date | None = None,
    entry_price: Number | None = None,
    position_type: str | None = None,
    investment_class: str | None = None,
    underlying_symbol: str | None = None,
) -> Inputs:
    """Inputs in which a portfolio holds one lot more.

    As in the batch, buying it moves no equity: it earns what its price does from then on. Prices
    of a symbol that nothing loaded holds come with `store.inputs(..., symbols=[symbol])`.

    Args:
        quantity: shares or contracts, negative when short.
        portfolio: id or name; default the only one loaded.
        entry_date: default the last session before the window.
        entry_price: USD a share; default the newest close up to the entry.
        position_type: LONG, SHORT, or an option's; default by the quantity's sign.
        investment_class: default OPTIONS for an option's type, else PUBLIC.

    Raises:
        EditError: a value that breaks a rule, or a symbol without a price.
    """
    owner = _portfolio(inputs, portfolio)
    day = entry_date or last_session(inputs.window.start - timedelta(days=1))
    amount = exact_value(POSITIONS, "quantity", quantity)
    kind = position_type or ("SHORT" if amount < 0 else "LONG")
    group = investment_class or ("OPTIONS" if kind in OPTION_TYPES else "PUBLIC")
    price = _newest_close(inputs, symbol, day) if entry_price is None else entry_price
    place = pl.Series([inputs.positions.height])
    row = {
        "id": row_ids(POSITIONS.name, pl.Series([owner]), pl.Series([symbol]), place).item(),
        "portfolio_id": owner,
        "symbol": symbol,
        "position_type": kind,
        "quantity": amount,
        "entry_price": exact_value(POSITIONS, "entry_price", price),
        "entry_date": day,
        "underlying_symbol": underlying_symbol,
        "investment_class": group,
    }
    positions = pl.concat([inputs.positions, new_rows(POSITIONS, [row], inputs.window.stamp)])
    seen = inputs.universe
    if group in ("PUBLIC", "OPTIONS") and symbol not in seen["symbol"]:
        seen = pl.concat([seen, pl.DataFrame({"symbol": [symbol]})]).sort("symbol")
    return replace(inputs, positions=admitted(POSITIONS, positions), universe=seen)


def drop_position(inputs: Inputs, position: str | UUID, *, portfolio: str | UUID | None = None) -> Inputs:
    """Inputs in which a lot, or every lot of a symbol, was never held.

    What was realized of it stays booked: those are events of their own.

    Args:
        position: id or symbol. portfolio: id or name; default all loaded.
    """
    gone = _lots(inputs, position, portfolio)
    return replace(inputs, positions=inputs.positions.join(gone, on="id", how="anti", maintain_order="left"))


def resize_position(
    inputs: Inputs,
    position: str | UUID,
    *,
    factor: Number | None = None,
    quantity: Number | None = None,
    portfolio: str | UUID | None = None,
) -> Inputs:
    """Inputs in which a lot, or every lot of a symbol, always had another size.

    The value that an unpriced lot carries is resized with it. A lot that changes its sign changes
    its type: LONG to SHORT, and so on.

    Args:
        position: id or symbol. portfolio: id or name; default all loaded.
        factor: of the quantity that there is. quantity: shares or contracts, of a single lot.

    Raises:
        EditError: not exactly one of factor and quantity, or a quantity of 0.
        AmbiguousNameError: a quantity for several lots.
    """
    if (factor is None) == (quantity is None):
        raise EditError("a lot is resized by either a factor or a quantity")
    lots = _lots(inputs, position, portfolio)
    if quantity is not None and lots.height > 1:
        raise AmbiguousNameError("position", str(position), lots["id"].to_list())
    resized = [_resized(row, factor, quantity) for row in lots.iter_rows(named=True)]
    fresh = pl.DataFrame(resized, schema={name: inputs.positions.schema[name] for name in resized[0]})
    positions = inputs.positions.update(fresh, on="id", include_nulls=True)
    return replace(inputs, positions=admitted(POSITIONS, positions))


def shock_prices(
    inputs: Inputs,
    change: Number,
    *,
    since: date,
    until: date | None = None,
    symbols: str | Sequence[str] | None = None,
) -> Inputs:
    """Inputs in which closes were higher or lower by a fraction, in a span of days.

    Args:
        change: -0.1 for prices 10 % lower. since, until: first and last day; default to the end.
        symbols: one or several; default all, the factor funds included.

    Raises:
        EditError: no close is there to be shocked, or one would not be above 0.
        UnknownNameError: a symbol without any close.
    """
    wanted = _priced(inputs, symbols)
    factor = 1 + exact_value(None, "change", change, FACTOR_SCALE)
    if factor <= 0:
        raise EditError(f"a change of {change} leaves no price above 0")
    hit = pl.col("date").is_between(since, until or inputs.window.last) & (pl.col("close") > 0)
    if wanted is not None:
        hit &= pl.col("symbol").is_in(wanted)
    if inputs.closes.filter(hit).is_empty():
        raise EditError(f"there is no close from {since} to {until or inputs.window.last}")
    closes, funds = (_shocked(frame, hit, factor) for frame in (inputs.closes, inputs.fund_closes))
    return replace(inputs, closes=closes, fund_closes=funds)


def add_scenarios(inputs: Inputs, scenarios: Scenarios) -> Inputs:
    """Inputs in which every one of the scenarios has a row, and thus results.

    >>> import engine
    >>> from datetime import date
    >>> days = date(2025, 12, 15), date(2025, 12, 19)
    >>> inputs = engine.open("duckdb:///demo.duckdb").inputs(*days, "Demo Growth 3", run_date=days[1])
    >>> squeeze = engine.scenario("Quality squeeze", {"Market": -0.1, "Quality": -0.2})
    >>> mine = engine.Scenarios((squeeze,), half_life=20)
    >>> results = engine.compute(engine.whatif.add_scenarios(inputs, mine), scenarios=mine)
    >>> results["stress_test_results"].height
    5
    """
    table = TABLES["stress_test_scenarios"]
    known = set(inputs.scenarios["scenario_id"])
    missing = [scenario for scenario in scenarios.all if scenario.id not in known]
    names = pl.Series("scenario_id", [scenario.id for scenario in missing], dtype=pl.String)
    rows = [
        {
            "id": number,
            "scenario_id": scenario.id,
            "name": scenario.name,
            "description": scenario.description,
            "category": scenario.category,
            "severity": scenario.severity,
            "shock_config": "{}",
            "active": scenario.active,
        }
        for number, scenario in zip(row_ids(table.name, names), missing, strict=True)
    ]
    fresh = pl.concat([inputs.scenarios, new_rows(table, rows, inputs.window.stamp)])
    return replace(inputs, scenarios=admitted(table, fresh))


def _portfolio(inputs: Inputs, wanted: str | UUID | None) -> str:
    ids = inputs.portfolios["id"].to_list()
    if wanted is not None:
        return portfolio_id(inputs.portfolios, wanted, "inputs")
    if len(ids) != 1:
        raise EditError(f"{len(ids)} portfolios are loaded: name the one that is meant")
    owner: str = ids[0]
    return owner


def _lots(inputs: Inputs, position: str | UUID, portfolio: str | UUID | None) -> pl.DataFrame:
    """The lot of an id, or all of a symbol that are not deleted."""
    rows = inputs.positions.filter(pl.col("deleted_at").is_null())
    if portfolio is not None:
        rows = rows.filter(pl.col("portfolio_id") == _portfolio(inputs, portfolio))
    name = str(position)
    found = rows.filter((pl.col("id") == name.lower()) | (pl.col("symbol") == name))
    if found.is_empty():
        raise UnknownNameError("position", name, rows["symbol"].unique().sort(), "inputs")
    return found


def _resized(row: dict[str, object], factor: Number | None, quantity: Number | None) -> dict[str, object]:
    old = row["quantity"]
    assert isinstance(old, Decimal)
    asked = quantity if factor is None else old * exact_value(None, "factor", factor, FACTOR_SCALE)
    assert asked is not None
    new = exact_value(POSITIONS, "quantity", asked)
    if new == 0:
        raise EditError(f"a lot of {row['symbol']} would have no size", "Use drop_position")
    if old == 0:
        raise EditError(f"a lot of {row['symbol']} has no size to start from")
    marks = {
        name: None if row[name] is None else exact_value(POSITIONS, name, Decimal(str(row[name])) * new / old)
        for name in MARKS
    }
    kind = str(row["position_type"])
    return {
        "id": row["id"],
        "quantity": new,
        "position_type": mirrored(kind) if (new < 0) != (old < 0) else kind,
        **marks,
    }


def _newest_close(inputs: Inputs, symbol: str, day: date) -> Decimal:
    rows = inputs.closes.filter(
        (pl.col("symbol") == symbol.upper()) & (pl.col("date") <= day) & (pl.col("close") > 0)
    )
    if rows.is_empty():
        silent = pl.DataFrame({"symbol": [symbol]}).select(unquoted("symbol", "none")).item()
        hint = "Give an entry_price" if silent else f'Load with symbols=["{symbol}"], or give an entry_price'
        raise EditError(f"{symbol} has no close up to {day} in the inputs", hint)
    price: Decimal = rows["close"][-1]
    return price


def _priced(inputs: Inputs, symbols: str | Sequence[str] | None) -> list[str] | None:
    if symbols is None:
        return None
    wanted = [symbols] if isinstance(symbols, str) else list(symbols)
    known = {*inputs.closes["symbol"], *inputs.fund_closes["symbol"]}
    for symbol in wanted:
        if symbol not in known:
            raise UnknownNameError("close of", symbol, known, "inputs")
    return wanted


def _shocked(closes: pl.DataFrame, hit: pl.Expr, factor: Decimal) -> pl.DataFrame:
    """Closes times a factor where hit, rounded half away from zero at the column's scale."""
    kind = TABLES["market_data_cache"]["close"].type
    unit = 10**FACTOR_SCALE
    ticks = half_away(scaled("close") * integer(int(factor * unit)), unit)
    fresh = closes.with_columns(_ticks=pl.when(hit).then(ticks).otherwise(scaled("close")))
    wrong = fresh.filter(hit & ((pl.col("_ticks") <= 0) | (pl.col("_ticks") >= 10**kind.precision)))
    if wrong.height:
        first = wrong.row(0, named=True)
        told = f"{first['symbol']} on {first['date']}: {first['close']} times {factor} is no close"
        raise EditError(f"{told} that {kind} holds above 0")
    return fresh.with_columns(close=decimal(pl.col("_ticks"), kind.precision, TICK_SCALE)).drop("_ticks")
