"""Who holds which instrument since when: every portfolio and slot at once, as matrices.

All draws are one row a portfolio, from the first on, so that a portfolio does not depend on how
many follow it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loaders.demo.archetypes import ARCHETYPES, ETF_CORE, GROWTH, Kind, slot_kinds
from loaders.demo.instruments import Instruments
from loaders.demo.market import stream
from loaders.demo.universe import (
    EQ_COMPANY,
    FUNDS,
    Floats,
    Integers,
    listed_late,
    listed_with_gaps,
)

STRIDES = (7, 11, 13, 17, 19, 23, 29, 31)
HEDGES = tuple(
    [fund.symbol for fund in FUNDS].index(name)
    for name in ("SPY", "QQQ", "IWM", "TLT", "VTI", "HYG", "VUG", "MTUM")
)
CAPITAL = (250_000, 5_000_000)
OPTION_NOTIONAL = 0.12
OPTION_MULTIPLIER = 100
FEWEST_SHARES = 4
"""A lot has at least so many shares or contracts, so that a part of it can be sold."""


@dataclass(frozen=True)
class Lots:
    """Portfolios x slots, but for `capital`, USD by portfolio.

    kind: a Kind; instrument: a row of Instruments; entry, exit: sessions, whether or not
    something was closed; size: shares or contracts bought or sold short, positive.
    closed, trimmed: lots of which all, or a part, was closed at `exit`.
    draws: uniform numbers left for whatever else needs one.
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
        """-1 for what is held short; of options, two are held and two written in turn."""
        slot = np.arange(self.kind.shape[1])
        written = (self.kind == Kind.OPTION) & np.isin(slot % 4, (1, 2))
        short = np.isin(self.kind, (Kind.SHORT, Kind.HEDGE)) | written
        return np.where(short, -1, 1)


def lots(instruments: Instruments, portfolios: int, positions: int, seed: int) -> Lots:
    """Every lot of every portfolio."""
    whole = stream(seed, "portfolios").random((portfolios, 6))
    draws = stream(seed, "lots").random((portfolios, positions, 8))
    kind = slot_kinds(positions)[np.arange(portfolios) % len(ARCHETYPES)]
    instrument = _instruments(instruments, kind, whole)
    entry, left = _sessions(instruments, instrument, whole, draws)
    capital = np.exp(np.log(CAPITAL[0]) + whole[:, 0] * np.log(CAPITAL[1] / CAPITAL[0])).round(-3)
    entry_price = _traded(instruments.closes[instrument, entry], draws[:, :, 3])
    closed, trimmed = _turnover(kind)
    return Lots(
        capital=capital,
        kind=kind,
        instrument=instrument,
        entry=entry,
        exit=left,
        entry_price=entry_price,
        exit_price=_traded(instruments.closes[instrument, left], draws[:, :, 4]),
        size=_sizes(kind, capital, entry_price, draws[:, :, 5]),
        closed=closed,
        trimmed=trimmed,
        draws=draws[:, :, 6],
    )


def _instruments(instruments: Instruments, kind: Integers, whole: Floats) -> Integers:
    """Distinct ones within a portfolio while there are enough, from a start of its own."""
    slot, companies = np.arange(kind.shape[1]), instruments.market.companies
    strides = np.array([stride for stride in STRIDES if companies % stride])
    stride = strides[(whole[:, 1:2] * len(strides)).astype(np.int64)]
    start = (whole[:, 2:3] * 1e6).astype(np.int64)
    company = len(FUNDS) + (start + slot * stride) % companies
    choices = {
        Kind.STOCK: company,
        Kind.SHORT: company,
        Kind.FUND: (start + slot) % len(FUNDS),
        Kind.HEDGE: np.array(HEDGES)[slot % len(HEDGES)],
        Kind.OPTION: instruments.first_contract + (start + slot) % instruments.contracts,
        Kind.PRIVATE: instruments.first_private
        + (start + slot) % (len(instruments.table) - instruments.first_private),
    }
    chosen = np.choose(kind, [choices[each] for each in Kind])
    _show_every_case(chosen, companies)
    return chosen


def _show_every_case(chosen: Integers, companies: int) -> None:
    """Growth starts with the odd listings; an ETF core has two lots of one fund."""
    growth = chosen[GROWTH :: len(ARCHETYPES)]
    odd = (listed_late(companies), listed_with_gaps(companies), np.array([EQ_COMPANY]))
    for slot, pool in enumerate(odd[: chosen.shape[1]]):
        _swap_in(growth, slot, len(FUNDS) + pool[np.arange(len(growth)) % len(pool)])
    core = chosen[ETF_CORE :: len(ARCHETYPES)]
    core[:, 1:2] = core[:, 0:1]


def _swap_in(chosen: Integers, slot: int, wanted: Integers) -> None:
    """`wanted` into the slot of each row; where it was already held, the two trade places."""
    before = chosen[:, slot].copy()
    held = chosen == wanted[:, None]
    np.copyto(chosen, before[:, None], where=held)
    chosen[:, slot] = wanted


def _sessions(
    instruments: Instruments, instrument: Integers, whole: Floats, draws: Floats
) -> tuple[Integers, Integers]:
    """Entry and exit: most lots are opened with the portfolio, the others any time later."""
    days = len(instruments.market.days)
    opening = days // 2 + (whole[:, 3:4] * 10).astype(np.int64)
    later = opening + (draws[:, :, 0] * (days - 6 - opening)).astype(np.int64)
    listed = np.argmax(instruments.quoted, axis=1)[instrument]
    last = instruments.last[instrument]
    entry = np.where(draws[:, :, 1] > 0.6, later, opening)
    entry = np.minimum(np.maximum(entry, listed), last)
    left = entry + 1 + (draws[:, :, 2] * (days - 2 - entry)).astype(np.int64)
    contract = (instrument >= instruments.first_contract) & (instrument < instruments.first_private)
    return entry, np.where(contract, np.minimum(left, last), left)


def _traded(close: Floats, draw: Floats) -> Floats:
    """A price within half a percent of the close."""
    traded: Floats = np.maximum((close * (0.995 + 0.01 * draw)).round(4), 0.01)
    return traded


def _sizes(kind: Integers, capital: Floats, price: Floats, draw: Floats) -> Floats:
    """Units for unequal shares of the portfolio's gross exposure.

    Whole shares and contracts; every sixth slot and private assets in fractions.
    """
    gross = np.array([archetype.gross for archetype in ARCHETYPES])
    share = (0.5 + draw) / (0.5 + draw).sum(axis=1, keepdims=True)
    of_equity = gross[np.arange(len(capital)) % len(ARCHETYPES)] * capital
    option = kind == Kind.OPTION
    notional = share * of_equity[:, None] * np.where(option, OPTION_NOTIONAL, 1)
    units = notional / price / np.where(option, OPTION_MULTIPLIER, 1)
    fractional = (np.arange(kind.shape[1]) % 6 == 5) & ~option
    whole = np.maximum(units.round(), FEWEST_SHARES)
    shares = np.where(fractional, np.maximum(units, FEWEST_SHARES).round(4), whole)
    sizes: Floats = np.where(kind == Kind.PRIVATE, np.maximum(units, 0.01).round(4), shares)
    return sizes


def _turnover(kind: Integers) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of ten slots, one was closed and one trimmed; never a private asset."""
    portfolio, slot = np.indices(kind.shape)
    turn = (portfolio + slot) % 10
    odd = (portfolio % len(ARCHETYPES) == GROWTH) & (slot < 4)
    closable = (kind < Kind.OPTION) & ~odd
    return (turn == 4) & closable, (turn == 7) & (kind != Kind.PRIVATE)
