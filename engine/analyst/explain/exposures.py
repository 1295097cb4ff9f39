"""Exposures, cash and position counts of the session's snapshot."""

from __future__ import annotations

from decimal import Decimal

import polars as pl

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import PRIVATE, Case, PositionLot
from engine.analyst.explain.equity import NONE_HELD, has_positions, in_snapshot, roll_forward
from engine.analyst.explain.rounding import exact, half_even_cents
from engine.analyst.explain.working import Step, Working, absent, table

LOTS = {
    "symbol": pl.String,
    "quantity": pl.Decimal(38, 4),
    "price": pl.Float64,
    "priced_by": pl.String,
    "units": pl.Int64,
    "exposure": pl.String,
}
SUMS = {
    "gross_exposure": ("sum of |exposure|", "every lot"),
    "net_exposure": ("sum of exposure", "every lot"),
    "long_value": ("sum of exposure", "lots with an exposure above 0"),
    "short_value": ("sum of exposure", "lots with an exposure below 0"),
}
COUNTS = {
    "num_positions": "lots held",
    "num_long_positions": "lots held of a quantity above 0",
    "num_short_positions": "lots held of a quantity of 0 or below",
}


def sums(case: Case, ask: Ask) -> Working:
    """Return the working of a sum of the lots' exposures in USD: exact, then rounded half to even to cents.

    Args:
        case: its lots and prices.
        ask: a key of SUMS.
    """
    what, of = SUMS[ask.column]
    values = [value for _, value in lot_exposures(case) if value is not None]
    total = _total(ask.column, values)
    step = Step("S", total, f"USD, {what} of {of}", "frame `lots`: quantity x price x units")
    return Working(
        f"{ask.column} = round({{S}}, 2)",
        half_even_cents(total),
        (step,),
        {"lots": _frame(case)},
        notes=("rounded to cents, half to even", *((NONE_HELD,) if not has_positions(case) else ())),
    )


def _total(column: str, values: list[Decimal]) -> Decimal:
    match column:
        case "gross_exposure":
            return sum((abs(value) for value in values), Decimal(0))
        case "long_value":
            return sum((value for value in values if value > 0), Decimal(0))
        case "short_value":
            return sum((value for value in values if value < 0), Decimal(0))
        case _:
            return sum(values, Decimal(0))


def cash(case: Case, ask: Ask) -> Working:
    """Return the working of cash_value: equity less long value plus absolute short value, not below 0.

    Args:
        case: its equity, lots and prices.
        ask: not used; there is one column.
    """
    if not has_positions(case):
        return Working("cash_value = 0", Decimal(0), notes=(NONE_HELD,))
    values = [value for _, value in lot_exposures(case) if value is not None]
    equity = roll_forward(case).equity
    long, short = (half_even_cents(_total(name, values)) for name in ("long_value", "short_value"))
    left = equity - long + abs(short)
    return Working(
        "cash_value = max({E} - {L} + abs({S}), 0)",
        max(left, Decimal(0)),
        (
            Step("E", equity, "USD, equity, not rounded", "explain equity_balance"),
            Step("L", long, "USD, long_value", "explain long_value"),
            Step("S", short, "USD, short_value", "explain short_value"),
        ),
        {"lots": _frame(case)},
        notes=("capped: not below 0",) if left < 0 else (),
    )


def counts(case: Case, ask: Ask) -> Working:
    """Return the working of the counts of lots in the snapshot.

    Args:
        case: its lots.
        ask: num_positions, num_long_positions or num_short_positions.
    """
    every = [lot for lot in case.lots if in_snapshot(case, lot)]
    chosen = {
        "num_positions": every,
        "num_long_positions": [lot for lot in every if lot.quantity > 0],
        "num_short_positions": [lot for lot in every if lot.quantity <= 0],
    }[ask.column]
    step = Step("n", len(chosen), COUNTS[ask.column], "frame `lots`")
    return Working(f"{ask.column} = {{n}}", len(chosen), (step,), {"lots": _frame(case)})


def greeks(case: Case, ask: Ask) -> Working:
    """Return the working of the option sensitivities, which are not computed: 0, or null without a position.

    Args:
        case: whether it has positions.
        ask: column of the sensitivity.
    """
    if not has_positions(case):
        return absent(f"{ask.column} = 0", NONE_HELD)
    note = "option sensitivities are not computed: 0 whenever a position is open"
    return Working(f"{ask.column} = 0", Decimal(0), notes=(note,))


def lot_exposures(case: Case) -> list[tuple[PositionLot, Decimal | None]]:
    """Return the lots of the snapshot with their exposures in USD, None for a lot without a price."""
    return case.once(("exposures",), lambda: _lot_exposures(case))


def _lot_exposures(case: Case) -> list[tuple[PositionLot, Decimal | None]]:
    exposures = []
    for lot in case.lots:
        if in_snapshot(case, lot):
            price, _ = _price(case, lot)
            value = None if price is None else exact(float(lot.quantity) * price * lot.units)
            exposures.append((lot, value))
    return exposures


def _price(case: Case, lot: PositionLot) -> tuple[float | None, str]:
    quote = case.newest(lot.symbol)
    if quote is not None and quote.price:
        return float(quote.price), f"close of {quote.day}"
    if lot.investment_class != PRIVATE:
        return None, "no close at all" if quote is None else f"close of {quote.day} is 0"
    value = case.opening_mark(lot).value
    if value is None or value <= 0:
        return float(lot.entry_price), "private: its entry price"
    if not lot.row_quantity:
        return None, "private: a quantity of 0"
    per_unit = float(value * 10_000) / float(lot.row_quantity * 10_000)
    return per_unit, f"private: stored value {value} over quantity"


def _frame(case: Case) -> pl.DataFrame:
    rows = []
    for lot, value in lot_exposures(case):
        price, source = _price(case, lot)
        text = None if value is None else f"{value:f}"
        rows.append((lot.symbol, lot.quantity, price, source, lot.units, text))
    return table(LOTS, rows)
