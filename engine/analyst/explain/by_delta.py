"""Books by delta: each option as a lot of its underlying that is worth the dollars of its delta."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from datetime import date
from decimal import Decimal
from functools import cached_property

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case, Mark, PositionLot
from engine.analyst.explain.contracts import contract
from engine.analyst.explain.rounding import exact
from engine.analyst.explain.working import Working


@dataclass(frozen=True)
class DeltaCase(Case):
    """A case as the risk model sees it, by options=greeks.

    Attributes:
        plain: the case as it is held.
    """

    plain: Case = field(kw_only=True)

    @property
    def as_held(self) -> Case:
        """The case with options as they are held."""
        return self.plain

    @cached_property
    def every_lot(self) -> tuple[PositionLot, ...]:
        """Positions of the portfolio in order of id, with options as public stocks: their underlyings."""
        return tuple(map(_underlying, self.plain.every_lot))

    def contract_dollars(self, lot: PositionLot) -> Decimal | None:
        """Return the delta's dollars of an option, None of an option without Greeks.

        Args:
            lot: one of `options`.
        """
        dollars = contract(self.plain, self.options[lot.id]).delta_dollars
        return None if dollars is None else exact(dollars)

    @cached_property
    def options(self) -> dict[str, PositionLot]:
        """The options of public class as they are held, by id."""
        return {lot.id: lot for lot in self.plain.every_lot if lot.option and not lot.private}

    def valued(self, lot: PositionLot) -> bool:
        """Return whether a lot has a value: an option without Greeks has none."""
        return lot.id not in self.options or self.contract_dollars(lot) is not None

    def mark(self, lot: PositionLot, day: date | None = None) -> Mark:
        """Return a lot's price and value after the session.

        Args:
            lot: of the portfolio.
            day: a session up to the case's own; for options its own.
        """
        if lot.id in self.options:
            return Mark(None, self.contract_dollars(lot), None, self.day)
        return self.plain.mark(lot, day)

    def recomputed(self, lot: PositionLot) -> Decimal:
        """Return a lot's value in USD, 0 of an option without Greeks."""
        if lot.id in self.options:
            return self.contract_dollars(lot) or Decimal(0)
        return self.plain.recomputed(lot)


def _underlying(lot: PositionLot) -> PositionLot:
    if not lot.option or lot.private:
        return lot
    symbol = lot.underlying_symbol or ""
    return replace(lot, symbol=symbol, position_type="LONG", investment_class="PUBLIC")


def by_delta(case: Case) -> Case:
    """Return the case as the risk model sees it: itself, or with options by their deltas.

    Args:
        case: portfolio, session and rules.
    """
    if case.rules.options == "premium":
        return case
    values = {one.name: getattr(case, one.name) for one in fields(Case)}
    return case.once(("by delta",), lambda: DeltaCase(**values, plain=case))


def of_risk(explainer: Callable[[Case, Ask], Working]) -> Callable[[Case, Ask], Working]:
    """Return the function that explains a figure of risk, with options by their deltas.

    Args:
        explainer: of a figure, from a case and what is asked.
    """

    def explain(case: Case, ask: Ask) -> Working:
        seen = by_delta(case)
        if ask.lot is None or seen is case:
            return explainer(seen, ask)
        own = {lot.id: lot for lot in seen.every_lot}
        return explainer(seen, replace(ask, lot=own[ask.lot.id]))

    return explain
