"""Trades from a file or frame: what each row does, and the lots, income and flows that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from engine.core.instruments import CONTRACT_SIZE
from loaders.books.body import Body, body
from loaders.books.columns import TRADE_NAMES, normal
from loaders.books.dates import DateOrder
from loaders.books.flows import FLOWS
from loaders.books.ledger import INCOME, Ledger, Lot, Trade
from loaders.books.lots import LOTS, RowError, contract_columns, position_type, symbol_of
from loaders.books.options import Contract, contract
from loaders.books.refusals import Refusal
from loaders.books.sheet import Sheet
from loaders.books.splits import RATIO, SPLITS, stated_ratio

FIGURES = ("quantity", "price", "amount", "fee")
DATES = ("date", "lot_date")
ACTIONS = {
    "buy": ("buy", "bought", "bto", "btc", "you bought", "buy to open", "buy to cover", "buy to close",
            "purchase", "reinvest", "reinvest shares", "reinvestment", "cover", "b", "add holding",
            "transfer in shares", "delivery inbound"),
    "sell": ("sell", "sold", "stc", "sto", "you sold", "sell to open", "sell to close", "sell short",
             "short", "sale", "s", "remove holding", "delivery outbound"),
    "deposit": ("deposit", "contribution", "ach", "ach deposit", "transfer in", "wire in",
                "moneylink transfer",
                "electronic funds transfer received", "interest", "int", "credit", "sweep interest"),
    "withdrawal": ("withdrawal", "removal", "transfer out", "wire out", "tax", "taxes"),
    "dividend": ("dividend", "dividends", "cdiv", "div", "cash dividend", "qualified dividend",
                 "dividend received", "pr yr cash div"),
    "fee": ("fee", "fees", "gold", "dfee", "afee", "adr mgmt fee", "interest charge"),
    "split": ("split", "stock split", "spl", "forward split", "reverse split"),
}  # fmt: skip
"""Names of trades in files, in lower case: {action: names}."""
ACTION_OF = {name: action for action, names in ACTIONS.items() for name in names}


@dataclass
class Trades:
    """Contents of a file of trades.

    Attributes:
        rows: As read, with refusals.
        lots: In columns `LOTS`, quantities and prices on the footing after the last split.
        income: In columns `INCOME`.
        flows: In columns `FLOWS`.
        splits: In columns `SPLITS`.
    """

    rows: Body
    lots: pl.DataFrame
    income: pl.DataFrame
    flows: pl.DataFrame
    splits: pl.DataFrame


def read_trades(sheet: Sheet, stated: Mapping[str, str], order: DateOrder | None) -> Trades:
    """Read trades and build lots.

    Args:
        sheet: Cells of the file or frame; the order of the days may be either.
        stated: {theirs: ours}.
        order: of day and month in dates, None to detect it.

    Returns:
        Lots, income and flows. Rows that cannot be used are among `rows.refusals`.
    """
    rows = body(sheet, TRADE_NAMES, (("date",), ("action",)), stated, order, DATES, FIGURES)
    trades = _trades(_table(rows), rows)
    ledger = Ledger()
    for trade in _in_order(trades):
        try:
            ledger.book(trade)
        except RowError as error:
            rows.refusals.append(Refusal(sheet.source, trade.line, str(error)))
    lots = [*ledger.closed, *(lot for lots in ledger.open.values() for lot in lots)]
    return Trades(
        rows,
        pl.DataFrame([_row(lot) for lot in lots], schema=LOTS, orient="row", strict=False),
        pl.DataFrame(ledger.income, schema=INCOME, orient="row", strict=False),
        pl.DataFrame(ledger.flows, schema=FLOWS, orient="row", strict=False),
        pl.DataFrame(ledger.splits, schema=SPLITS, orient="row", strict=False),
    )


def _table(rows: Body) -> pl.DataFrame:
    """Return the texts, dates and figures of the rows that are trades, and `ratio`, a split's as a text."""
    blank = rows.text("date").is_null() & rows.text("action").is_null()
    notes = rows.text("action").is_null() & rows.text("quantity").is_null() & rows.text("amount").is_null()
    rows.refuse_other_currencies(unless=blank | notes)
    ratio = rows.text("quantity").alias("ratio")
    ratio = ratio.zip_with(ratio.str.contains(RATIO).fill_null(False), ratio.clear(1))
    texts = [rows.text(name) for name in ("action", "symbol", "description")]
    figures = [rows.number(name, unless=notes) for name in FIGURES if name != "quantity"]
    figures.append(rows.number("quantity", unless=notes | ratio.is_not_null()))
    days = [rows.day(name, unless=notes) for name in DATES]
    return pl.DataFrame([rows.texts["line"], *days, *texts, ratio, *figures]).filter(~blank & ~notes)


def _in_order(trades: list[Trade]) -> list[Trade]:
    """Return trades by day; within a day as in the file, backwards where the newest day comes first."""
    newest_first = bool(trades) and trades[0].date > trades[-1].date
    return sorted(reversed(trades) if newest_first else trades, key=lambda trade: trade.date)


def _trades(table: pl.DataFrame, rows: Body) -> list[Trade]:
    trades = []
    for row in table.iter_rows(named=True):
        try:
            trades.append(_trade(row))
        except RowError as error:
            rows.refusals.append(Refusal(rows.sheet.source, row["line"], str(error)))
    return trades


def _trade(row: Mapping[str, Any]) -> Trade:
    action = action_of(row["action"])
    if row["date"] is None:
        raise RowError("there is no date")
    option = contract(row["symbol"] or "") or contract(row["description"] or "")
    if action in ("buy", "sell"):
        return _traded(row, action, option)
    if action == "split":
        ratio = stated_ratio(row["ratio"], row["description"])
        added = row["quantity"] or Decimal(0)
        return Trade(row["line"], row["date"], action, symbol_of(row["symbol"]), quantity=added, ratio=ratio)
    amount = row["amount"]
    if amount is None:
        amount = abs(row["quantity"] or Decimal(0)) * abs(row["price"] or 1)
    if not amount:
        raise RowError(f"a {action} without an amount")
    symbol = symbol_of(row["symbol"]) if row["symbol"] and action in ("dividend", "fee") else ""
    return Trade(row["line"], row["date"], action, symbol, amount=_signed(action, amount))


def _traded(row: Mapping[str, Any], action: str, option: Contract | None) -> Trade:
    """Return a buy or a sale; its price from the amount where the row has only that."""
    quantity, price, fee = (abs(row[name] or Decimal(0)) for name in ("quantity", "price", "fee"))
    amount, symbol = row["amount"], symbol_of(row["symbol"], option)
    if not quantity:
        raise RowError(f"a {action} of {symbol} without a quantity")
    if row["price"] is None:
        if amount is None:
            raise RowError(f"a {action} of {symbol} without a price")
        # Amounts are what the account pays or gets: with the fee of a buy, without that of a sale.
        size = CONTRACT_SIZE if option else 1
        price = (abs(amount) + (-fee if action == "buy" else fee)) / quantity / size
    lot_date = row["lot_date"]
    return Trade(
        row["line"], row["date"], action, symbol, option, quantity, price, fee=fee, lot_date=lot_date
    )


def _signed(action: str, amount: Decimal) -> Decimal:
    """Return what the account gets: fees and withdrawals are below 0, whatever sign the file gives them."""
    return -abs(amount) if action in ("withdrawal", "fee") else amount


def action_of(text: str | None) -> str:
    """Return the action that a file's word stands for: a key of `ACTIONS`.

    Args:
        text: As the file has it; None where the cell is empty.

    Raises:
        RowError: It is none.
    """
    words = normal(text or "")
    action = ACTION_OF.get(words) or next(
        (action for name, action in ACTION_OF.items() if len(name) > 3 and words.startswith(f"{name} ")), None
    )
    if action is None:
        raise RowError(f"'{text or ''}' is none of {', '.join(ACTIONS)}")
    return action


def _row(lot: Lot) -> dict[str, object]:
    return {
        "line": lot.line,
        "symbol": lot.symbol,
        "position_type": position_type(lot.quantity, lot.option),
        "quantity": lot.quantity,
        "entry_price": lot.entry_price,
        "entry_date": lot.entry_date,
        "exit_price": lot.exit_price,
        "exit_date": lot.exit_date,
        "price": None,
        **contract_columns(lot.option),
        "investment_class": "OPTIONS" if lot.option else "PUBLIC",
        "investment_subtype": None,
    }
