"""Edits of inputs in memory, for what-if questions; nothing is read from a store or written to one.

Each edit returns new inputs. Changed rows must satisfy the same rules as loaded rows.

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
"""A number; a float counts as its shortest decimal text."""

POSITIONS = TABLES["positions"]
MARKS = ("market_value", "unrealized_pnl")
FACTOR_SCALE = 12
"""Decimals of the factors that multiply prices and quantities."""


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
    """Add a lot to a portfolio.

    As in the batch, the purchase does not change equity; P&L starts with the price moves after the
    entry. Load the prices of a symbol that no portfolio holds with `store.inputs(..., symbols=[symbol])`.
    A value that breaks a rule of the table, or a symbol without a price, raises an `EditError`.

    Args:
        inputs: Inputs to start from; they are not changed.
        symbol: Symbol of the new lot.
        quantity: Shares or contracts, negative for a short lot.
        portfolio: Id or name; default the only loaded portfolio.
        entry_date: First day of the lot; default the last session before the window.
        entry_price: USD a share; default the newest close up to the entry date.
        position_type: LONG, SHORT, LC, LP, SC or SP; default LONG or SHORT by the sign of the quantity.
        investment_class: PUBLIC, OPTIONS or PRIVATE; default OPTIONS for option types, else PUBLIC.
        underlying_symbol: Symbol of an option's underlying.

    Returns:
        Inputs with the new lot.
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
    seen = [(symbol, "live")] if group in ("PUBLIC", "OPTIONS") else []
    if kind in OPTION_TYPES and underlying_symbol:
        seen.append((underlying_symbol, "underlying"))
    visible = pl.DataFrame(seen, schema=inputs.universe.schema, orient="row")
    universe = pl.concat([inputs.universe, visible]).unique().sort("symbol", "kind")
    return replace(inputs, positions=admitted(POSITIONS, positions), universe=universe)


def drop_position(inputs: Inputs, position: str | UUID, *, portfolio: str | UUID | None = None) -> Inputs:
    """Remove a lot, or every lot of a symbol.

    Realized gains of the lots stay: they are separate events.

    Args:
        inputs: Inputs to start from; they are not changed.
        position: Position id, or symbol for all of its lots.
        portfolio: Id or name; default all loaded portfolios.

    Returns:
        Inputs without the lots.
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
    """Change the quantity of a lot, or of every lot of a symbol, from its entry on.

    The stored market value of an unpriced lot is scaled with it. A lot whose sign changes gets the
    opposite position type, for example SHORT for LONG.

    Args:
        inputs: Inputs to start from; they are not changed.
        position: Position id, or symbol for all of its lots.
        factor: Factor on the current quantity.
        quantity: New quantity in shares or contracts; needs a single lot.
        portfolio: Id or name; default all loaded portfolios.

    Returns:
        Inputs with the new quantities.

    Raises:
        EditError: Not exactly one of `factor` and `quantity` is given, or the new quantity is 0.
        AmbiguousNameError: `quantity` is given for several lots.
    """
    if (factor is None) == (quantity is None):
        raise EditError("resize_position needs either factor or quantity, not both")
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
    """Multiply closes by 1 + `change` on the days from `since` to `until`.

    Args:
        inputs: Inputs to start from; they are not changed.
        change: Fraction; -0.1 lowers prices by 10 %.
        since: First day.
        until: Last day, inclusive; default the end of the window.
        symbols: One symbol or several; default all, factor funds included. A symbol without any close
            raises `UnknownNameError`.

    Returns:
        Inputs with the new closes, rounded half away from zero at the column's scale.

    Raises:
        EditError: The days have no close to change, or a new close would not be above 0.
    """
    wanted = _priced(inputs, symbols)
    factor = 1 + exact_value(None, "change", change, FACTOR_SCALE)
    if factor <= 0:
        raise EditError(f"a change of {change} gives prices of 0 or below: it must be above -1")
    hit = pl.col("date").is_between(since, until or inputs.window.last) & (pl.col("close") > 0)
    if wanted is not None:
        hit &= pl.col("symbol").is_in(wanted)
    if inputs.closes.filter(hit).is_empty():
        raise EditError(f"there is no close from {since} to {until or inputs.window.last}")
    closes, funds = (_shocked(frame, hit, factor) for frame in (inputs.closes, inputs.fund_closes))
    return replace(inputs, closes=closes, fund_closes=funds)


def add_scenarios(inputs: Inputs, scenarios: Scenarios) -> Inputs:
    """Add a row for each scenario that the inputs lack: only scenarios with a row get results.

    Args:
        inputs: Inputs to start from; they are not changed.
        scenarios: Scenarios that `compute` will be called with.

    Returns:
        Inputs with a row of stress_test_scenarios for each scenario.

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
    present = set(inputs.scenarios["scenario_id"])
    missing = [scenario for scenario in scenarios.all if scenario.id not in present]
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
        raise EditError(f"{len(ids)} portfolios are loaded: give the portfolio")
    owner: str = ids[0]
    return owner


def _lots(inputs: Inputs, position: str | UUID, portfolio: str | UUID | None) -> pl.DataFrame:
    """Return the lot of an id, or all lots of a symbol that are not deleted."""
    rows = inputs.positions.filter(pl.col("deleted_at").is_null())
    if portfolio is not None:
        rows = rows.filter(pl.col("portfolio_id") == _portfolio(inputs, portfolio))
    name = str(position)
    lots = rows.filter((pl.col("id") == name.lower()) | (pl.col("symbol") == name))
    if lots.is_empty():
        raise UnknownNameError("position", name, rows["symbol"].unique().sort(), "inputs")
    return lots


def _resized(row: dict[str, object], factor: Number | None, quantity: Number | None) -> dict[str, object]:
    old = row["quantity"]
    assert isinstance(old, Decimal)
    asked = quantity if factor is None else old * exact_value(None, "factor", factor, FACTOR_SCALE)
    assert asked is not None
    new = exact_value(POSITIONS, "quantity", asked)
    if new == 0:
        raise EditError(f"a lot of {row['symbol']} would have a quantity of 0", "Use drop_position")
    if old == 0:
        raise EditError(f"a lot of {row['symbol']} has a quantity of 0: it cannot be resized")
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
        never_quoted = pl.DataFrame({"symbol": [symbol]}).select(unquoted("symbol", "none")).item()
        load = f'Load with symbols=["{symbol}"], or give an entry_price'
        hint = "Give an entry_price" if never_quoted else load
        raise EditError(f"{symbol} has no close up to {day} in the inputs", hint)
    price: Decimal = rows["close"][-1]
    return price


def _priced(inputs: Inputs, symbols: str | Sequence[str] | None) -> list[str] | None:
    if symbols is None:
        return None
    wanted = [symbols] if isinstance(symbols, str) else list(symbols)
    priced = {*inputs.closes["symbol"], *inputs.fund_closes["symbol"]}
    for symbol in wanted:
        if symbol not in priced:
            raise UnknownNameError("close of", symbol, priced, "inputs")
    return wanted


def _shocked(closes: pl.DataFrame, hit: pl.Expr, factor: Decimal) -> pl.DataFrame:
    """Multiply the closes that `hit` selects by a factor, rounded half away from zero."""
    # In integer ticks: a shocked close has to be exactly the decimal that a store would hold.
    kind = TABLES["market_data_cache"]["close"].type
    unit = 10**FACTOR_SCALE
    ticks = half_away(scaled("close") * integer(int(factor * unit)), unit)
    fresh = closes.with_columns(_ticks=pl.when(hit).then(ticks).otherwise(scaled("close")))
    wrong = fresh.filter(hit & ((pl.col("_ticks") <= 0) | (pl.col("_ticks") >= 10**kind.precision)))
    if wrong.height:
        first = wrong.row(0, named=True)
        product = f"{first['symbol']} on {first['date']}: {first['close']} times {factor}"
        raise EditError(f"{product} is not above 0, or does not fit {kind}")
    return fresh.with_columns(close=decimal(pl.col("_ticks"), kind.precision, TICK_SCALE)).drop("_ticks")
