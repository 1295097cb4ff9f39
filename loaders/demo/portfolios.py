"""Rows of users, portfolios, positions, position_realized_events and equity_changes."""

from __future__ import annotations

import numpy as np
import polars as pl

from engine.core.row_ids import row_ids
from loaders.demo.archetypes import ARCHETYPES, GROWTH, SlotKind
from loaders.demo.flows import equity_changes
from loaders.demo.instrument_list import Instruments
from loaders.demo.listings import Integers
from loaders.demo.position_lots import OPTION_MULTIPLIER, DemoLots, draw_lots
from loaders.schema_rows import schema_rows

PORTFOLIOS_PER_USER = 2
UNCLASSIFIED_SLOT = 3
"""Of growth portfolios: its position has no investment class."""
TRIMMED_SHARE = 0.3
"""Fraction of a trimmed lot that was closed."""
PRICE, SIZE = pl.Decimal(12, 4), pl.Decimal(16, 4)


def portfolio_tables(
    instruments: Instruments, portfolios: int, positions: int, seed: int
) -> dict[str, pl.DataFrame]:
    """Make the rows of all portfolios.

    Args:
        instruments: to hold.
        portfolios: how many.
        positions: of each portfolio.
        seed: of the random numbers.

    Returns:
        Rows by table.
    """
    lots = draw_lots(instruments, portfolios, positions, seed)
    portfolio_rows = _portfolios(lots)
    details = _position_details(instruments, lots)
    return {
        "users": _users(portfolios),
        "portfolios": portfolio_rows,
        "positions": schema_rows("positions", details),
        "position_realized_events": _events(details),
        "equity_changes": equity_changes(portfolio_rows, instruments.market.days, seed),
    }


def _user_ids(users: Integers) -> pl.Series:
    return row_ids("users", pl.Series("user", users))


def _portfolio_ids(portfolios: Integers) -> pl.Series:
    return row_ids("portfolios", pl.Series("portfolio", portfolios))


def _users(portfolios: int) -> pl.DataFrame:
    numbers = np.arange(-(-portfolios // PORTFOLIOS_PER_USER))
    frame = pl.DataFrame({"id": _user_ids(numbers), "number": numbers + 1})
    named = frame.with_columns(
        pl.format("demo{}@example.com", "number").alias("email"),
        pl.format("Demo User {}", "number").alias("full_name"),
    )
    return schema_rows("users", named, hashed_password="!", is_active=True)  # noqa: S106


def _portfolios(lots: DemoLots) -> pl.DataFrame:
    numbers = np.arange(len(lots.capital))
    archetype = pl.Series(numbers % len(ARCHETYPES))
    frame = pl.DataFrame(
        {
            "id": _portfolio_ids(numbers),
            "user_id": _user_ids(numbers // PORTFOLIOS_PER_USER),
            "number": numbers + 1,
            "kind": pl.Series([each.name for each in ARCHETYPES]).gather(archetype),
            "account_type": pl.Series([each.account_type for each in ARCHETYPES]).gather(archetype),
            "equity_balance": lots.capital,
        }
    )
    name = pl.format("Demo {} {}", "kind", "number")
    named = frame.with_columns(name.alias("name"), name.alias("account_name"))
    return schema_rows("portfolios", named, is_active=True, currency="USD")


def _position_details(instruments: Instruments, lots: DemoLots) -> pl.DataFrame:
    """Return positions with the auxiliary columns `multiplier`, `closed_size` and `closed_on`."""
    portfolio, slot = (index.ravel() for index in np.indices(lots.kind.shape))
    days, instrument = instruments.market.days, lots.instrument.ravel()
    part = np.where(lots.trimmed, np.floor(lots.size * TRIMMED_SHARE), lots.size)
    positions = pl.DataFrame(
        {
            "id": row_ids("positions", pl.Series(portfolio), pl.Series(slot)),
            "portfolio_id": _portfolio_ids(np.arange(len(lots.capital))).gather(portfolio),
            "portfolio": portfolio,
            "slot": slot,
            "kind": lots.kind.ravel(),
            "sign": lots.sign.ravel(),
            "size": pl.Series(lots.size.ravel()).cast(SIZE),
            "closed_size": pl.Series(part.ravel()).cast(SIZE),
            "closed": lots.closed.ravel(),
            "trimmed": lots.trimmed.ravel(),
            "draw": lots.draws.ravel(),
            "entry_price": pl.Series(lots.entry_price.ravel()).cast(PRICE),
            "closing_price": pl.Series(lots.exit_price.ravel()).cast(PRICE),
            "entry_date": days[lots.entry].ravel(),
            "closed_on": days[lots.exit].ravel(),
        }
    )
    return _described(positions.hstack(instruments.table[instrument]))


def _described(positions: pl.DataFrame) -> pl.DataFrame:
    option, private = pl.col("kind") == SlotKind.OPTION, pl.col("kind") == SlotKind.PRIVATE
    short, closed = pl.col("sign") < 0, pl.col("closed")
    growth = pl.col("portfolio") % len(ARCHETYPES) == GROWTH
    side = pl.when(short).then(pl.lit("S")).otherwise(pl.lit("L"))
    right = pl.when(pl.col("symbol").str.slice(-9, 1) == "C").then(pl.lit("C")).otherwise(pl.lit("P"))
    return positions.with_columns(
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


def _valued(positions: pl.DataFrame) -> pl.DataFrame:
    """Add remaining quantity, realized gain, and a stale price for half of the unquoted positions.

    A lot closed through the application has quantity 0; one imported closed keeps its size.

    Returns:
        The positions with quantity, realized_pnl, last_price, market_value and unrealized_pnl.
    """
    emptied = pl.col("closed") & ((pl.col("portfolio") + pl.col("slot") // 10) % 2 == 0)
    left = pl.col("size") - pl.when(emptied | pl.col("trimmed")).then("closed_size").otherwise(0)
    gain = (pl.col("closing_price") - pl.col("entry_price")) * pl.col("sign")
    realized = gain * pl.col("closed_size") * pl.col("multiplier")
    # Of options and private assets, every second one has a price that the application stored.
    old = (pl.col("kind") >= SlotKind.OPTION) & (pl.col("slot") % 2 == 0)
    price = pl.col("entry_price").cast(pl.Float64) * (0.9 + 0.3 * pl.col("draw"))
    signed = positions.with_columns(
        quantity=(left * pl.col("sign")).cast(SIZE),
        realized_pnl=pl.when(pl.col("closed") | pl.col("trimmed")).then(realized),
        last_price=pl.when(old).then(price.round(4)).cast(PRICE),
    )
    units = pl.col("quantity") * pl.col("multiplier")
    return signed.with_columns(
        market_value=units * pl.col("last_price"),
        unrealized_pnl=units * (pl.col("last_price") - pl.col("entry_price")),
    )


def _events(positions: pl.DataFrame) -> pl.DataFrame:
    """Return a gain or loss for each closed or trimmed lot, as the application computes it."""
    done = positions.filter(pl.col("closed") | pl.col("trimmed"))
    events = done.select(
        "portfolio_id",
        "realized_pnl",
        id=row_ids("position_realized_events", done["id"]),
        position_id="id",
        trade_date="closed_on",
        quantity_closed="closed_size",
    )
    return schema_rows("position_realized_events", events)
