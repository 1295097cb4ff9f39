"""Draws of random worlds: `draw_world(seed)` is the same world for the same seed."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from engine.core.calendar import sessions
from engine.core.funds import FACTOR_FUNDS
from tests.reference.analytics import Position

from .regression_worlds import END, FACTORS, SESSIONS, Closes, World, uid


def draw_world(seed: int) -> World:
    rng = np.random.default_rng(seed)
    days = sessions(END - timedelta(days=int(rng.integers(95, 330))), END)
    own = [f"S{number}" for number in range(9)]
    closes = draw_closes(rng, days, own)
    owners = [uid(f"portfolio {number}") for number in range(int(rng.integers(2, 5)))]
    lots = [draw_lot(rng, owners, own, number) for number in range(int(rng.integers(4, 14)))]
    held = {lot.symbol for lot in lots}
    return World(
        closes=closes,
        lots=lots,
        marks={lot.id: [draw_mark(rng, lot) for _ in range(SESSIONS)] for lot in lots},
        equity={owner: [draw_equity(rng) for _ in range(SESSIONS)] for owner in owners},
        profiles={s: draw_beta(rng, 4) for s in own if rng.random() < 0.7},
        previous={lot.id: draw_beta(rng, 6) or Decimal(0) for lot in lots if rng.random() < 0.5},
        inactive=frozenset(name for name in FACTORS[3:] if rng.random() < 0.08),
        visible=frozenset({s for s in held if rng.random() < 0.93} | set(FACTOR_FUNDS)),
    )


def draw_closes(rng: np.random.Generator, days: list[date], own: list[str]) -> Closes:
    market = rng.normal(0.0003, 0.01, len(days))
    closes = {}
    for symbol in (*FACTOR_FUNDS, *own):
        is_fund = symbol in FACTOR_FUNDS
        loading = 1.0 if is_fund else rng.choice([0.5, 1.0, 1.5, -0.8, 7.0, 0.0])
        noise = 0.0 if symbol == "SPY" else 0.004 if is_fund else rng.choice([0.0, 0.002, 0.02])
        moves = loading * market + rng.normal(0, 1, len(days)) * noise
        path = 100 * np.cumprod(1 + np.clip(moves, -0.5, 0.5))
        kept = kept_rows(rng, len(days), is_fund)
        closes[symbol] = {days[row]: Decimal(f"{path[row]:.4f}") for row in kept if path[row] >= 0.0001}
    return {symbol: rows for symbol, rows in closes.items() if rows}


def kept_rows(rng: np.random.Generator, count: int, is_fund: bool) -> list[int]:
    rows = np.ones(count, dtype=bool)
    kind = rng.random()
    if kind < (0.05 if is_fund else 0.12):
        rows[:] = False
    elif kind < (0.12 if is_fund else 0.35):
        rows[: rng.integers(1, count)] = False
    elif kind < (0.15 if is_fund else 0.42):
        rows[rng.integers(count // 2, count) :] = False
    if rng.random() < 0.3:
        rows[rng.integers(0, count, 3)] = False
    return np.flatnonzero(rows).tolist()


def draw_lot(rng: np.random.Generator, owners: list[str], own: list[str], number: int) -> Position:
    kind = str(rng.choice(["LONG", "SHORT", "LC", "SP"], p=[0.6, 0.24, 0.08, 0.08]))
    size = Decimal(f"{rng.uniform(0.01, 300):.4f}")
    name = rng.choice(["PUBLIC", "OPTIONS", "PRIVATE", ""], p=[0.76, 0.08, 0.08, 0.08])
    return Position(
        id=uid(f"lot {number} of {rng.integers(1 << 40)}"),
        portfolio_id=str(rng.choice(owners)),
        symbol=str(rng.choice([*own, "SPY", "TLT"])),
        position_type=kind,
        quantity=-size if kind in ("SHORT", "SP") else size,
        entry_price=Decimal("50.0000"),
        entry_date=date(2025, 1, 2),
        exit_date=None,
        underlying_symbol=None,
        investment_class=str(name) or None,
        last_price=None,
        market_value=None,
        is_deleted=bool(rng.random() < 0.12),
    )


def draw_mark(rng: np.random.Generator, lot: Position) -> tuple[Decimal | None, Decimal | None]:
    if rng.random() < 0.1:
        return None, None
    price = Decimal(f"{rng.uniform(0.5, 400):.4f}")
    value = (lot.quantity * price).quantize(Decimal("0.01"))
    return price, Decimal("0.00") if rng.random() < 0.05 else value


def draw_equity(rng: np.random.Generator) -> Decimal:
    kind = rng.random()
    if kind < 0.08:
        return Decimal("0.00") if kind < 0.04 else Decimal("-312.55")
    return Decimal(f"{rng.uniform(900, 90_000):.2f}")


def draw_beta(rng: np.random.Generator, scale: int) -> Decimal | None:
    kind = rng.random()
    if kind < 0.4:
        return None if kind < 0.2 else Decimal(0)
    return Decimal(f"{rng.normal(1, 0.5):.{scale}f}")
