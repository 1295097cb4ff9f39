"""Trades as lots: buys and sells first in, first out; splits, dividends, fees, deposits and withdrawals."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from engine.core.instruments import CONTRACT_SIZE
from loaders.books.body import Body, body
from loaders.books.columns import TRADE_NAMES, normal
from loaders.books.dates import DateOrder
from loaders.books.flows import FLOWS
from loaders.books.lots import LOTS, RowError, contract_columns, position_type, symbol_of
from loaders.books.numbers import EXACT
from loaders.books.options import Contract, contract
from loaders.books.refusals import Refusal
from loaders.books.sheet import Sheet

FIGURES = ("quantity", "price", "amount", "fee")
INCOME = {"line": pl.Int64(), "lot": pl.Int64(), "date": pl.Date(), "amount": EXACT}
"""Columns of income: the line of the trade that opened the lot, the day, and USD, negative for a fee."""

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
TRADED = ("buy", "sell", "split")


@dataclass(frozen=True)
class Trade:
    """One trade, all figures without a sign. `amount` of deposits and withdrawals is signed."""

    line: int
    date: date
    action: str
    symbol: str = ""
    option: Contract | None = None
    quantity: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)


@dataclass(frozen=True)
class Lot:
    """A lot, open while it has no exit.

    Attributes:
        line: Of the trade that opened it.
        symbol: As market data is stored under it.
        option: The contract; None for other symbols.
        quantity: Shares or contracts; a short lot's is negative.
        entry_price: USD a share, without fees.
        entry_date: Of the trade that opened it.
        exit_price: USD a share, without fees.
        exit_date: Of the trade that closed it.
    """

    line: int
    symbol: str
    option: Contract | None
    quantity: Decimal
    entry_price: Decimal
    entry_date: date
    exit_price: Decimal | None = None
    exit_date: date | None = None


@dataclass
class Trades:
    """Contents of a file of trades: rows as read, lots (`LOTS`), income (`INCOME`), flows (`FLOWS`)."""

    rows: Body
    lots: pl.DataFrame
    income: pl.DataFrame
    flows: pl.DataFrame


@dataclass
class Ledger:
    """Lots in the order in which they were opened, by symbol, and what trades leave."""

    open: defaultdict[str, deque[Lot]] = field(default_factory=lambda: defaultdict(deque))
    closed: list[Lot] = field(default_factory=list)
    income: list[dict[str, object]] = field(default_factory=list)
    flows: list[dict[str, object]] = field(default_factory=list)

    def book(self, trade: Trade) -> None:
        """Book one trade; a `RowError` is raised for a dividend, fee or split of what is not held.

        Args:
            trade: The next one in the order of dates.
        """
        if trade.action in ("buy", "sell"):
            self._trade(trade)
        elif trade.action == "split":
            self._split(trade)
        elif trade.symbol and trade.action in ("dividend", "fee"):
            self._pay(trade, trade.amount)
        else:
            self.flows.append(
                {"line": trade.line, "date": trade.date, "amount": trade.amount, "notes": trade.action}
            )

    def _trade(self, trade: Trade) -> None:
        """Close lots of the other side, oldest first, and open a lot with the rest."""
        sign = 1 if trade.action == "buy" else -1
        left, lots = trade.quantity, self.open[trade.symbol]
        while left and lots and lots[0].quantity * sign < 0:
            part = min(left, abs(lots[0].quantity))
            self._close(trade, part)
            left -= part
        if left:
            lots.append(Lot(trade.line, trade.symbol, trade.option, sign * left, trade.price, trade.date))
        if trade.fee:
            # The lot that the trade opened or closed last bears the fee.
            line = lots[-1].line if left else self.closed[-1].line
            self._income(trade, line, -trade.fee)

    def _close(self, trade: Trade, part: Decimal) -> None:
        lots = self.open[trade.symbol]
        lot = lots.popleft()
        sign = 1 if lot.quantity > 0 else -1
        self.closed.append(replace(lot, quantity=sign * part, exit_price=trade.price, exit_date=trade.date))
        if abs(lot.quantity) > part:
            lots.appendleft(replace(lot, quantity=lot.quantity - sign * part))

    def _split(self, trade: Trade) -> None:
        """Add shares without cost: each open lot keeps its cost and gets its part of them."""
        lots = self.open[trade.symbol]
        before = sum((lot.quantity for lot in lots), Decimal(0))
        if not before:
            raise RowError(f"a split of {trade.symbol}, which is not held")
        ratio = (before + trade.quantity) / before
        self.open[trade.symbol] = deque(
            replace(lot, quantity=lot.quantity * ratio, entry_price=lot.entry_price / ratio) for lot in lots
        )

    def _pay(self, trade: Trade, amount: Decimal) -> None:
        """Book a dividend or fee on the oldest open lot of its symbol, else on the newest closed one."""
        lots = self.open[trade.symbol]
        closed = [lot for lot in self.closed if lot.symbol == trade.symbol]
        if not lots and not closed:
            raise RowError(f"a {trade.action} of {trade.symbol}, which is not held")
        self._income(trade, (lots[0] if lots else closed[-1]).line, amount)

    def _income(self, trade: Trade, lot: int, amount: Decimal) -> None:
        self.income.append({"line": trade.line, "lot": lot, "date": trade.date, "amount": amount})


def read_trades(sheet: Sheet, stated: Mapping[str, str], order: DateOrder | None) -> Trades:
    """Read trades and build lots.

    Args:
        sheet: Cells of the file or frame; the order of the days may be either.
        stated: {theirs: ours}.
        order: of day and month in dates, None to detect it.

    Returns:
        Lots, income and flows. Rows that cannot be used are among `rows.refusals`.
    """
    rows = body(sheet, TRADE_NAMES, (("date",), ("action",)), stated, order, ("date",), FIGURES)
    blank = rows.text("date").is_null() & rows.text("action").is_null()
    notes = rows.text("action").is_null() & rows.text("quantity").is_null() & rows.text("amount").is_null()
    texts = [rows.text(name) for name in ("action", "symbol", "description")]
    figures = [rows.number(name, unless=notes) for name in FIGURES]
    table = pl.DataFrame([rows.texts["line"], rows.day("date", unless=notes), *texts, *figures])
    trades = _trades(table.filter(~blank & ~notes), rows)
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
    )


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
    quantity, price = (abs(row[name] or Decimal(0)) for name in ("quantity", "price"))
    amount, fee = row["amount"], abs(row["fee"] or Decimal(0))
    option = contract(row["symbol"] or "") or contract(row["description"] or "")
    if action in TRADED:
        size = CONTRACT_SIZE if option else 1
        symbol = symbol_of(row["symbol"], option)
        if not quantity:
            raise RowError(f"a {action} of {symbol} without a quantity")
        if row["price"] is None and amount is not None:
            # Amounts are what the account pays or gets: with the fee of a buy, without that of a sale.
            price = (abs(amount) + (-fee if action == "buy" else fee)) / quantity / size
        if row["price"] is None and amount is None and action != "split":
            raise RowError(f"a {action} of {symbol} without a price")
        moved = -quantity if action == "split" and row["quantity"] < 0 else quantity
        return Trade(row["line"], row["date"], action, symbol, option, moved, price, fee=fee)
    if amount is None:
        amount = quantity * (price or 1)
    if not amount:
        raise RowError(f"a {action} without an amount")
    symbol = symbol_of(row["symbol"]) if row["symbol"] and action in ("dividend", "fee") else ""
    return Trade(row["line"], row["date"], action, symbol, amount=_signed(action, amount))


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
