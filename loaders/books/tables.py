"""A book as rows of the schema's tables."""

from __future__ import annotations

from decimal import Decimal

import polars as pl

from engine.core.frames import dtype
from engine.core.instruments import multiplier
from engine.core.money import CENT_SCALE, TICK_SCALE
from engine.core.row_ids import row_ids
from engine.core.schema import TABLES
from loaders.books.book import Book
from loaders.books.numbers import plain
from loaders.books.refusals import BookError, Refusal
from loaders.schema_rows import schema_rows

SOURCE = "import"
OWNER = "owner@books.invalid"
NO_PASSWORD = "!"  # noqa: S105 - a hash that no password has
"""The owner of imported books cannot log in anywhere."""
BOOK_TABLES = (
    "users",
    "portfolios",
    "positions",
    "position_realized_events",
    "equity_changes",
    "market_data_cache",
    "engine_raw_closes",
)
"""Tables that a book fills, parents first."""


def book_tables(book: Book) -> dict[str, pl.DataFrame]:
    """Return a book's rows by table, with ids that depend only on what the book says.

    A `BookError` is raised if a figure does not fit its column.
    """
    portfolio = _portfolio(book)
    owner, user = portfolio["id"][0], portfolio["user_id"][0]
    lots = _lots(book, owner)
    frames = {
        "users": _user(user),
        "portfolios": portfolio,
        "positions": schema_rows("positions", lots),
        "position_realized_events": _events(book, lots),
        "equity_changes": _flows(book, owner, user),
        **_closes(book),
    }
    return {name: frames[name] for name in BOOK_TABLES}


def portfolio_id(name: str) -> str:
    """Return the id of an imported portfolio.

    Args:
        name: As the user states it; the same name has the same id in every store.
    """
    return str(row_ids("portfolios", pl.Series([SOURCE]), pl.Series([name]))[0])


def _user(key: str) -> pl.DataFrame:
    row = pl.DataFrame({"id": [key], "email": [OWNER], "full_name": ["Owner of imported books"]})
    return schema_rows("users", row, hashed_password=NO_PASSWORD, is_active=True)


def _portfolio(book: Book) -> pl.DataFrame:
    name = book.choices.name
    row = pl.DataFrame(
        {
            "id": [portfolio_id(name)],
            "user_id": row_ids("users", pl.Series([OWNER])),
            "name": [name],
            "account_name": [name[:100]],
            "equity_balance": [book.equity],
        },
        schema_overrides={"equity_balance": pl.Decimal(38, 2)},
    )
    return schema_rows("portfolios", row, account_type="taxable", is_active=True, currency="USD")


def _lots(book: Book, owner: str) -> pl.DataFrame:
    """Return positions with their lines; a lot that no market quotes has the price of its row."""
    _check_fit(book, *PRICES)
    unquoted = ~pl.col("symbol").is_in(book.closes["symbol"].unique().implode())
    units = pl.col("quantity") * multiplier()
    closed = pl.col("exit_price").is_not_null()
    rounded = _numbered(book.lots).with_columns(pl.col(PRICES).round(TICK_SCALE, mode="half_away_from_zero"))
    lots = rounded.with_columns(
        portfolio_id=pl.lit(owner), last_price=pl.when(unquoted & ~closed).then("price")
    )
    return lots.with_columns(
        id=row_ids("positions", *(lots[name] for name in ("portfolio_id", *KEY, "number"))),
        market_value=_cents(units * pl.col("last_price")),
        unrealized_pnl=_cents(units * (pl.col("last_price") - pl.col("entry_price"))),
        realized_pnl=_cents(units * (pl.col("exit_price") - pl.col("entry_price"))),
    )


PRICES = ("quantity", "entry_price", "exit_price", "price", "strike_price")
"""Figures of a lot, stored with four decimals."""
KEY = ("symbol", "position_type", "stated")
"""Columns that tell lots apart, with their number among those that are alike."""


def _cents(amount: pl.Expr) -> pl.Expr:
    return amount.round(CENT_SCALE, mode="half_away_from_zero")


def _numbered(lots: pl.DataFrame) -> pl.DataFrame:
    """Add `stated`, the entry date as the file states it, and `number`, among the lots that are alike.

    A lot without a stated date keeps its id when the book begins on another day. Of lots that are alike
    those of trades come in the order of their closing, open ones last: a lot that is closed keeps its id.

    Returns:
        The lots in their order.
    """
    numbered = lots.with_columns(stated=pl.col("stated_entry").cast(pl.String).fill_null(""))
    return numbered.with_columns(number=pl.int_range(pl.len()).over(KEY))


def _events(book: Book, lots: pl.DataFrame) -> pl.DataFrame:
    """Return the gain of each closed lot, and dividends and fees as events of quantity 0."""
    closed = lots.filter(pl.col("exit_price").is_not_null()).select(
        "portfolio_id",
        position_id="id",
        trade_date="exit_date",
        quantity_closed=pl.col("quantity").abs(),
        realized_pnl="realized_pnl",
        number=pl.lit(-1, pl.Int64),
    )
    first = lots.select("portfolio_id", "line", position_id="id").unique(
        "line", keep="first", maintain_order=True
    )
    paid = book.income.join(first, left_on="lot", right_on="line", how="inner").select(
        "portfolio_id",
        "position_id",
        trade_date="date",
        quantity_closed=pl.lit(0).cast(closed.schema["quantity_closed"]),
        realized_pnl=pl.col("amount").cast(closed.schema["realized_pnl"]),
        number=pl.int_range(pl.len()).over("position_id", "date"),
    )
    events = pl.concat([closed, paid])
    keys = (events[name] for name in ("position_id", "trade_date", "number"))
    return schema_rows(
        "position_realized_events", events.with_columns(id=row_ids("position_realized_events", *keys))
    )


def _flows(book: Book, owner: str, user: str) -> pl.DataFrame:
    flows = book.flows.with_columns(
        portfolio_id=pl.lit(owner),
        created_by_user_id=pl.lit(user),
        change_type=pl.when(pl.col("amount") < 0)
        .then(pl.lit("WITHDRAWAL"))
        .otherwise(pl.lit("CONTRIBUTION")),
        change_date="date",
        number=pl.int_range(pl.len()).over("date", "amount"),
        cents=(pl.col("amount") * 100).round(0).cast(pl.Int64),
    )
    keys = (flows[name] for name in ("portfolio_id", "date", "cents", "number"))
    identified = flows.with_columns(id=row_ids("equity_changes", *keys), amount=pl.col("amount").abs())
    return schema_rows("equity_changes", identified)


def _closes(book: Book) -> dict[str, pl.DataFrame]:
    """Return the closes adjusted as far as the file adjusts them, and both closes where it has two."""
    closes = book.closes
    key = row_ids("market_data_cache", closes["symbol"], closes["date"])
    adjusted = closes.with_columns(id=key, close=pl.coalesce("adjusted", "close"))
    two = closes.filter(pl.col("adjusted").is_not_null())
    raw = two.select(
        "symbol",
        "date",
        id=row_ids("engine_raw_closes", two["symbol"], two["date"]),
        raw_close="close",
        adjusted_close="adjusted",
    )
    return {
        "market_data_cache": schema_rows("market_data_cache", adjusted, data_source=SOURCE),
        "engine_raw_closes": schema_rows("engine_raw_closes", raw),
    }


def _check_fit(book: Book, *columns: str) -> None:
    """Raise an error where a figure of a lot has more digits than its column holds."""
    refusals = []
    for name in columns:
        kind = dtype(TABLES["positions"]["last_price" if name == "price" else name])
        assert isinstance(kind, pl.Decimal)
        bound = Decimal(10) ** (kind.precision - kind.scale)
        for line, value in book.lots.filter(pl.col(name).abs() >= bound).select("line", name).rows():
            reason = f"{name.replace('_', ' ')} {plain(value)} is too large: {kind.precision} digits fit"
            refusals.append(Refusal(book.readings[0].sheet.source, line, reason))
    if refusals:
        raise BookError("", refusals)
