"""Lots of all portfolios as matrices, portfolios x slots.

Random numbers are drawn row by row, one row for each portfolio, so that a portfolio does not depend
on how many follow it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loaders.demo.archetypes import ARCHETYPES, ETF_CORE, GROWTH, SlotKind, slot_kinds
from loaders.demo.instrument_list import Instruments
from loaders.demo.listings import (
    EQ_COMPANY,
    FUNDS,
    Floats,
    Integers,
    listed_late,
    listed_with_gaps,
)
from loaders.demo.price_model import stream

STRIDES = (7, 11, 13, 17, 19, 23, 29, 31)
"""Steps between a portfolio's companies; primes, so that one that is no divisor visits all."""
HEDGES = tuple(
    [fund.symbol for fund in FUNDS].index(name)
    for name in ("SPY", "QQQ", "IWM", "TLT", "VTI", "HYG", "VUG", "MTUM")
)
CAPITAL = (250_000, 5_000_000)
"""Lowest and highest of a portfolio, USD."""
OPTION_NOTIONAL = 0.12
"""Premium of an option position / exposure of its slot."""
OPTION_MULTIPLIER = 100
FEWEST_SHARES = 4
"""Least shares or contracts of a lot, so that a part of it can be sold."""


@dataclass(frozen=True)
class DemoLots:
    """Lots, portfolios x slots, except `capital`.

    Attributes:
        capital: USD, by portfolio.
        kind: a SlotKind.
        instrument: index of a row of Instruments.
        entry: index of the session on which the lot was opened.
        exit: index of the session on which it was closed, if it was.
        entry_price: USD.
        exit_price: USD.
        size: shares or contracts bought or sold short, positive.
        closed: whether all of the lot was closed.
        trimmed: whether a part of it was closed.
        draws: uniform random numbers for other uses.
    """

    capital: Floats
    kind: Integers
    instrument: Integers
    entry: Integers
    exit: Integers
    entry_price: Floats
    exit_price: Floats
    size: Floats
    closed: NDArray[np.bool_]
    trimmed: NDArray[np.bool_]
    draws: Floats

    @property
    def sign(self) -> Integers:
        """-1 for a short lot, else 1; of four options in a row, two are long and two short."""
        slot = np.arange(self.kind.shape[1])
        written = (self.kind == SlotKind.OPTION) & np.isin(slot % 4, (1, 2))
        short = np.isin(self.kind, (SlotKind.SHORT, SlotKind.HEDGE)) | written
        return np.where(short, -1, 1)


def draw_lots(instruments: Instruments, portfolios: int, positions: int, seed: int) -> DemoLots:
    """Draw every lot of every portfolio.

    Args:
        instruments: to hold.
        portfolios: how many.
        positions: of each portfolio.
        seed: of the random numbers.

    Returns:
        Lots, portfolios x positions.
    """
    whole = stream(seed, "portfolios").random((portfolios, 6))
    draws = stream(seed, "lots").random((portfolios, positions, 8))
    kind = slot_kinds(positions)[np.arange(portfolios) % len(ARCHETYPES)]
    instrument = _instruments(instruments, kind, whole)
    entry, exits = _sessions(instruments, instrument, whole, draws)
    capital = np.exp(np.log(CAPITAL[0]) + whole[:, 0] * np.log(CAPITAL[1] / CAPITAL[0])).round(-3)
    entry_price = _traded(instruments.closes[instrument, entry], draws[:, :, 3])
    closed, trimmed = _turnover(kind)
    return DemoLots(
        capital=capital,
        kind=kind,
        instrument=instrument,
        entry=entry,
        exit=exits,
        entry_price=entry_price,
        exit_price=_traded(instruments.closes[instrument, exits], draws[:, :, 4]),
        size=_sizes(kind, capital, entry_price, draws[:, :, 5]),
        closed=closed,
        trimmed=trimmed,
        draws=draws[:, :, 6],
    )


def _instruments(instruments: Instruments, kind: Integers, whole: Floats) -> Integers:
    """Choose instruments, distinct within a portfolio while there are enough."""
    slot, companies = np.arange(kind.shape[1]), instruments.market.companies
    strides = np.array([stride for stride in STRIDES if companies % stride])
    stride = strides[(whole[:, 1:2] * len(strides)).astype(np.int64)]
    start = (whole[:, 2:3] * 1e6).astype(np.int64)
    company = len(FUNDS) + (start + slot * stride) % companies
    choices = {
        SlotKind.STOCK: company,
        SlotKind.SHORT: company,
        SlotKind.FUND: (start + slot) % len(FUNDS),
        SlotKind.HEDGE: np.array(HEDGES)[slot % len(HEDGES)],
        SlotKind.OPTION: instruments.first_contract + (start + slot) % instruments.contracts,
        SlotKind.PRIVATE: instruments.first_private
        + (start + slot) % (len(instruments.table) - instruments.first_private),
    }
    chosen = np.choose(kind, [choices[each] for each in SlotKind])
    _show_every_case(chosen, companies)
    return chosen


def _show_every_case(chosen: Integers, companies: int) -> None:
    """Put special listings first in growth portfolios; give ETF cores two lots of one fund."""
    growth = chosen[GROWTH :: len(ARCHETYPES)]
    special = (listed_late(companies), listed_with_gaps(companies), np.array([EQ_COMPANY]))
    for slot, pool in enumerate(special[: chosen.shape[1]]):
        _swap_in(growth, slot, len(FUNDS) + pool[np.arange(len(growth)) % len(pool)])
    core = chosen[ETF_CORE :: len(ARCHETYPES)]
    core[:, 1:2] = core[:, 0:1]


def _swap_in(chosen: Integers, slot: int, instruments: Integers) -> None:
    """Put one instrument into the slot of each row; swap slots where the row holds it already."""
    before = chosen[:, slot].copy()
    np.copyto(chosen, before[:, None], where=chosen == instruments[:, None])
    chosen[:, slot] = instruments


def _sessions(
    instruments: Instruments, instrument: Integers, whole: Floats, draws: Floats
) -> tuple[Integers, Integers]:
    """Return entry and exit: most lots are opened with the portfolio, the others later."""
    days = len(instruments.market.days)
    opening = days // 2 + (whole[:, 3:4] * 10).astype(np.int64)
    later = opening + (draws[:, :, 0] * (days - 6 - opening)).astype(np.int64)
    listed = np.argmax(instruments.quoted, axis=1)[instrument]
    last = instruments.last[instrument]
    entry = np.where(draws[:, :, 1] > 0.6, later, opening)
    entry = np.minimum(np.maximum(entry, listed), last)
    exits = entry + 1 + (draws[:, :, 2] * (days - 2 - entry)).astype(np.int64)
    contract = (instrument >= instruments.first_contract) & (instrument < instruments.first_private)
    return entry, np.where(contract, np.minimum(exits, last), exits)


def _traded(close: Floats, draw: Floats) -> Floats:
    """Return prices within half a percent of the close."""
    traded: Floats = np.maximum((close * (0.995 + 0.01 * draw)).round(4), 0.01)
    return traded


def _sizes(kind: Integers, capital: Floats, price: Floats, draw: Floats) -> Floats:
    """Return units for unequal fractions of the portfolio's gross exposure.

    Shares and contracts are whole; every sixth slot and private assets are fractional.

    Returns:
        Portfolios x slots, positive.
    """
    gross = np.array([archetype.gross for archetype in ARCHETYPES])
    share = (0.5 + draw) / (0.5 + draw).sum(axis=1, keepdims=True)
    exposure = gross[np.arange(len(capital)) % len(ARCHETYPES)] * capital
    option = kind == SlotKind.OPTION
    notional = share * exposure[:, None] * np.where(option, OPTION_NOTIONAL, 1)
    units = notional / price / np.where(option, OPTION_MULTIPLIER, 1)
    fractional = (np.arange(kind.shape[1]) % 6 == 5) & ~option
    whole = np.maximum(units.round(), FEWEST_SHARES)
    shares = np.where(fractional, np.maximum(units, FEWEST_SHARES).round(4), whole)
    sizes: Floats = np.where(kind == SlotKind.PRIVATE, np.maximum(units, 0.01).round(4), shares)
    return sizes


def _turnover(kind: Integers) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Close one slot of ten and trim another; never a private asset."""
    portfolio, slot = np.indices(kind.shape)
    tenth = (portfolio + slot) % 10
    special = (portfolio % len(ARCHETYPES) == GROWTH) & (slot < 4)
    closable = (kind < SlotKind.OPTION) & ~special
    return (tenth == 4) & closable, (tenth == 7) & (kind != SlotKind.PRIVATE)
