"""users, portfolios, positions, position_realized_events and equity_changes as frames."""

from __future__ import annotations

import numpy as np
import polars as pl

from engine.core.row_ids import row_ids
from loaders.demo.archetypes import ARCHETYPES, GROWTH, Kind
from loaders.demo.flows import equity_changes
from loaders.demo.instruments import Instruments
from loaders.demo.lots import OPTION_MULTIPLIER, Lots, lots
from loaders.demo.rows import rows
from loaders.demo.universe import Integers

PORTFOLIOS_A_USER = 2
UNCLASSIFIED_SLOT = 3
TRIMMED_SHARE = 0.3
PRICE, SIZE = pl.Decimal(12, 4), pl.Decimal(16, 4)


def holdings(instruments: Instruments, portfolios: int, positions: int, seed: int) -> dict[str, pl.DataFrame]:
    """The frames of all portfolios."""
    held = lots(instruments, portfolios, positions, seed)
    book = _portfolios(held)
    lines = _lines(instruments, held)
    return {
        "users": _users(portfolios),
        "portfolios": book,
        "positions": rows("positions", lines),
        "position_realized_events": _events(lines),
        "equity_changes": equity_changes(book, instruments.market.days, seed),
    }


def _user_ids(users: Integers) -> pl.Series:
    return row_ids("users", pl.Series("user", users))


def portfolio_ids(portfolios: Integers) -> pl.Series:
    """Ids of portfolios by their number."""
    return row_ids("portfolios", pl.Series("portfolio", portfolios))


def _users(portfolios: int) -> pl.DataFrame:
    numbers = np.arange(-(-portfolios // PORTFOLIOS_A_USER))
    frame = pl.DataFrame({"id": _user_ids(numbers), "number": numbers + 1})
    named = frame.with_columns(
        pl.format("demo{}@example.com", "number").alias("email"),
        pl.format("Demo User {}", "number").alias("full_name"),
    )
    return rows("users", named, hashed_password="!", is_active=True)  # noqa: S106


def _portfolios(held: Lots) -> pl.DataFrame:
    numbers = np.arange(len(held.capital))
    archetype = pl.Series(numbers % len(ARCHETYPES))
    frame = pl.DataFrame(
        {
            "id": portfolio_ids(numbers),
            "user_id": _user_ids(numbers // PORTFOLIOS_A_USER),
            "number": numbers + 1,
            "kind": pl.Series([each.name for each in ARCHETYPES]).gather(archetype),
            "account_type": pl.Series([each.account_type for each in ARCHETYPES]).gather(archetype),
            "equity_balance": held.capital,
        }
    )
    name = pl.format("Demo {} {}", "kind", "number")
    named = frame.with_columns(name.alias("name"), name.alias("account_name"))
    return rows("portfolios", named, is_active=True, currency="USD")


def _lines(instruments: Instruments, held: Lots) -> pl.DataFrame:
    """Positions as columns, with the helpers `multiplier`, `closed_size` and `closed_on`."""
    portfolio, slot = (index.ravel() for index in np.indices(held.kind.shape))
    days, instrument = instruments.market.days, held.instrument.ravel()
    part = np.where(held.trimmed, np.floor(held.size * TRIMMED_SHARE), held.size)
    lines = pl.DataFrame(
        {
            "id": row_ids("positions", pl.Series(portfolio), pl.Series(slot)),
            "portfolio_id": portfolio_ids(np.arange(len(held.capital))).gather(portfolio),
            "portfolio": portfolio,
            "slot": slot,
            "kind": held.kind.ravel(),
            "sign": held.sign.ravel(),
            "size": pl.Series(held.size.ravel()).cast(SIZE),
            "closed_size": pl.Series(part.ravel()).cast(SIZE),
            "closed": held.closed.ravel(),
            "trimmed": held.trimmed.ravel(),
            "draw": held.draws.ravel(),
            "entry_price": pl.Series(held.entry_price.ravel()).cast(PRICE),
            "closing_price": pl.Series(held.exit_price.ravel()).cast(PRICE),
            "entry_date": days[held.entry].ravel(),
            "closed_on": days[held.exit].ravel(),
        }
    )
    return _described(lines.hstack(instruments.table[instrument]))


def _described(lines: pl.DataFrame) -> pl.DataFrame:
    option, private = pl.col("kind") == Kind.OPTION, pl.col("kind") == Kind.PRIVATE
    short, closed = pl.col("sign") < 0, pl.col("closed")
    growth = pl.col("portfolio") % len(ARCHETYPES) == GROWTH
    side = pl.when(short).then(pl.lit("S")).otherwise(pl.lit("L"))
    right = pl.when(pl.col("symbol").str.slice(-9, 1) == "C").then(pl.lit("C")).otherwise(pl.lit("P"))
    return lines.with_columns(
        multiplier=pl.when(option).then(OPTION_MULTIPLIER).otherwise(1),
        position_type=pl.when(option)
        .then(side + right)
        .when(short)
        .then(pl.lit("SHORT"))
        .otherwise(pl.lit("LONG")),
        investment_class=pl.when(growth & (pl.col("slot") == UNCLASSIFIED_SLOT))
        .then(None)
        .when(option)
        .then(pl.lit("OPTIONS"))
        .when(private)
        .then(pl.lit("PRIVATE"))
        .otherwise(pl.lit("PUBLIC")),
        exit_price=pl.when(closed).then("closing_price"),
        exit_date=pl.when(closed).then("closed_on"),
    ).pipe(_valued)


def _valued(lines: pl.DataFrame) -> pl.DataFrame:
    """Quantity left, gains taken, and an old price for half of what the market does not quote.

    A lot closed through the application has quantity 0; one imported closed keeps its size.
    """
    emptied = pl.col("closed") & ((pl.col("portfolio") + pl.col("slot") // 10) % 2 == 0)
    left = pl.col("size") - pl.when(emptied | pl.col("trimmed")).then("closed_size").otherwise(0)
    gain = (pl.col("closing_price") - pl.col("entry_price")) * pl.col("sign")
    realized = gain * pl.col("closed_size") * pl.col("multiplier")
    old = (pl.col("kind") >= Kind.OPTION) & (pl.col("slot") % 2 == 0)
    price = pl.col("entry_price").cast(pl.Float64) * (0.9 + 0.3 * pl.col("draw"))
    signed = lines.with_columns(
        quantity=(left * pl.col("sign")).cast(SIZE),
        realized_pnl=pl.when(pl.col("closed") | pl.col("trimmed")).then(realized),
        last_price=pl.when(old).then(price.round(4)).cast(PRICE),
    )
    units = pl.col("quantity") * pl.col("multiplier")
    return signed.with_columns(
        market_value=units * pl.col("last_price"),
        unrealized_pnl=units * (pl.col("last_price") - pl.col("entry_price")),
    )


def _events(lines: pl.DataFrame) -> pl.DataFrame:
    """A gain or loss for each lot closed or trimmed, as its producer computes it."""
    done = lines.filter(pl.col("closed") | pl.col("trimmed"))
    events = done.select(
        "portfolio_id",
        "realized_pnl",
        id=row_ids("position_realized_events", done["id"]),
        position_id="id",
        trade_date="closed_on",
        quantity_closed="closed_size",
    )
    return rows("position_realized_events", events)
