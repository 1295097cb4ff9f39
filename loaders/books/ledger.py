"""Lots from trades: buys and sells first in, first out; splits, dividends and fees."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

import polars as pl

from loaders.books.lots import RowError
from loaders.books.numbers import EXACT, plain
from loaders.books.options import Contract
from loaders.books.splits import Ratio, ratio_of_shares

INCOME = {"line": pl.Int64(), "lot": pl.Int64(), "date": pl.Date(), "amount": EXACT}
"""Columns of income: the line of the trade that opened the lot, the day, and USD, negative for a fee."""


Day = date
"""A trade has a field of the type's name."""


@dataclass(frozen=True)
class Trade:
    """One trade, all figures without a sign.

    `amount` of deposits and withdrawals is signed, and so is `quantity` of a split: the shares that it adds.
    `ratio` is what a split states of it, `lot_date` the entry date of the lots that a trade says it closes.
    """

    line: int
    date: date
    action: str
    symbol: str = ""
    option: Contract | None = None
    quantity: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)
    ratio: Ratio | None = None
    lot_date: Day | None = None


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

    def split(self, ratio: Ratio) -> Lot:
        """Return the lot after a split: more shares at a lower price each.

        Args:
            ratio: New shares for old ones.
        """
        new, old = ratio
        exit_price = None if self.exit_price is None else self.exit_price * old / new
        return replace(
            self,
            quantity=self.quantity * new / old,
            entry_price=self.entry_price * old / new,
            exit_price=exit_price,
        )


@dataclass
class Ledger:
    """Lots in the order in which they were opened, by symbol, and what trades leave."""

    open: defaultdict[str, deque[Lot]] = field(default_factory=lambda: defaultdict(deque))
    closed: list[Lot] = field(default_factory=list)
    income: list[dict[str, object]] = field(default_factory=list)
    flows: list[dict[str, object]] = field(default_factory=list)
    splits: list[dict[str, object]] = field(default_factory=list)

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
        """Close lots of the other side, oldest or stated ones first, and open a lot with the rest."""
        sign = 1 if trade.action == "buy" else -1
        if trade.lot_date:
            self._bring_forward(trade, sign)
        left, lots = trade.quantity, self.open[trade.symbol]
        while left and lots and lots[0].quantity * sign < 0:
            part = min(left, abs(lots[0].quantity))
            self._close(trade, part)
            left -= part
        if left:
            lots.append(Lot(trade.line, trade.symbol, trade.option, sign * left, trade.price, trade.date))
        if trade.lot_date:
            self.open[trade.symbol] = lots = deque(sorted(lots, key=lambda lot: lot.entry_date))
        if trade.fee:
            # The lot that the trade opened or closed last bears the fee.
            line = lots[-1].line if left else self.closed[-1].line
            self._income(trade, line, -trade.fee)

    def _bring_forward(self, trade: Trade, sign: int) -> None:
        """Put the lots first that a trade states; a trade that opens a lot may state its own day.

        Raises:
            RowError: Fewer shares of them are held than the trade closes.
        """
        lots = self.open[trade.symbol]
        other_side = [lot for lot in lots if lot.quantity * sign < 0]
        if not other_side and trade.lot_date == trade.date:
            return
        stated = [lot for lot in other_side if lot.entry_date == trade.lot_date]
        held = sum((abs(lot.quantity) for lot in stated), Decimal(0))
        if held < trade.quantity:
            lots_of = f"{plain(trade.quantity)} {trade.symbol} of the lots of {trade.lot_date}"
            raise RowError(f"{trade.action} of {lots_of}, of which {plain(held)} are held")
        self.open[trade.symbol] = deque([*stated, *(lot for lot in lots if lot not in stated)])

    def _close(self, trade: Trade, part: Decimal) -> None:
        lots = self.open[trade.symbol]
        lot = lots.popleft()
        sign = 1 if lot.quantity > 0 else -1
        self.closed.append(replace(lot, quantity=sign * part, exit_price=trade.price, exit_date=trade.date))
        if abs(lot.quantity) > part:
            lots.appendleft(replace(lot, quantity=lot.quantity - sign * part))

    def _split(self, trade: Trade) -> None:
        """Put all lots of a symbol, closed ones too, on the footing after a split, as closes are."""
        lots = self.open[trade.symbol]
        before = sum((abs(lot.quantity) for lot in lots), Decimal(0))
        if not before:
            raise RowError(f"a split of {trade.symbol}, which is not held")
        ratio = ratio_of_shares(trade.symbol, before, trade.quantity, trade.ratio)
        self.open[trade.symbol] = deque(lot.split(ratio) for lot in lots)
        self.closed = [lot.split(ratio) if lot.symbol == trade.symbol else lot for lot in self.closed]
        new, old = ratio
        self.splits.append({"symbol": trade.symbol, "date": trade.date, "new": new, "old": old})

    def _pay(self, trade: Trade, amount: Decimal) -> None:
        """Book a dividend or fee on the oldest open lot of its symbol, else on the newest closed one."""
        lots = self.open[trade.symbol]
        closed = [lot for lot in self.closed if lot.symbol == trade.symbol]
        if not lots and not closed:
            raise RowError(f"a {trade.action} of {trade.symbol}, which is not held")
        self._income(trade, (lots[0] if lots else closed[-1]).line, amount)

    def _income(self, trade: Trade, lot: int, amount: Decimal) -> None:
        self.income.append({"line": trade.line, "lot": lot, "date": trade.date, "amount": amount})
