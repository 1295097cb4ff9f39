"""Rules across the columns of a row: rows that contradict themselves, or that lack what a figure needs.

The legacy batch computes such rows without a word. They are reported; a rule that is grave fails the row's
portfolio under corrected rules (`engine.core.rules.Rules.inconsistent_rows`).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import polars as pl

from engine.core.instruments import LONG_TYPES, OPTION_TYPES, SHORT_TYPES, is_option
from engine.core.row_rules import QUARANTINE

CURRENCY = "USD"
"""The currency of all money: there is no conversion."""
CLASSES = ("PUBLIC", "OPTIONS", "PRIVATE")
OPTION_TERMS = ("underlying_symbol", "strike_price", "expiration_date")
FINDINGS: dict[str, pl.DataType] = {**QUARANTINE, "code": pl.String(), "grave": pl.Boolean()}
"""One row for each rule that a row broke: as the quarantine, with the rule's code."""


class ConsistencyRule(NamedTuple):
    """A rule that reads several columns of a row.

    Attributes:
        code: as analytics_status stores it.
        table: whose rows it checks.
        columns: that contradict each other; the first one is named as the broken one.
        broken: whether a row breaks it.
        fault: what is wrong, after the name of the first column.
        cure: what to do.
        grave: whether P&L and values are wrong as well, not only the figures that leave the row out.
    """

    code: str
    table: Literal["portfolios", "positions"]
    columns: tuple[str, ...]
    broken: pl.Expr
    fault: str
    cure: str
    grave: bool = True

    @property
    def words(self) -> str:
        """The fault and the cure."""
        return f"{self.fault}: {self.cure}"


_open = pl.col("exit_date").is_null()
_short, _long = pl.col("position_type").is_in(SHORT_TYPES), pl.col("position_type").is_in(LONG_TYPES)
_class = pl.col("investment_class")
RULES = (
    ConsistencyRule(
        "not_usd",
        "portfolios",
        ("currency",),
        pl.col("currency").str.strip_chars().str.to_uppercase() != CURRENCY,
        f"is not {CURRENCY}",
        f"convert its money and prices to {CURRENCY}, which every figure is in, and set the currency",
    ),
    ConsistencyRule(
        "price_not_usd",
        "positions",
        ("symbol", "price_currency"),
        pl.col("price_currency") != CURRENCY,
        f"has prices in another unit than {CURRENCY}",
        f"store its closes and entry price in {CURRENCY} (GBp are pence), or hold a listing in {CURRENCY}",
    ),
    ConsistencyRule(
        "side_against_sign",
        "positions",
        ("quantity", "position_type"),
        (_short & (pl.col("quantity") > 0)) | (_long & (pl.col("quantity") < 0)),
        "has the sign of the other side",
        "SHORT, SC and SP take a negative quantity, LONG, LC and LP a positive one",
    ),
    ConsistencyRule(
        "exit_before_entry",
        "positions",
        ("exit_date", "entry_date"),
        pl.col("exit_date") < pl.col("entry_date"),
        "lies before the entry date",
        "correct one of the two dates",
    ),
    ConsistencyRule(
        "option_terms",
        "positions",
        ("position_type", *OPTION_TERMS),
        _open & is_option() & pl.any_horizontal(pl.col(name).is_null() for name in OPTION_TERMS),
        "is an option's, and its underlying, strike or expiration is missing",
        "fill underlying_symbol, strike_price and expiration_date; without them it never expires",
        grave=False,
    ),
    ConsistencyRule(
        "expired_before_entry",
        "positions",
        ("expiration_date", "entry_date"),
        _open & is_option() & (pl.col("expiration_date") < pl.col("entry_date")),
        "lies before the entry date",
        "correct one of the two dates",
        grave=False,
    ),
    ConsistencyRule(
        "no_class",
        "positions",
        ("investment_class",),
        _open & ~_class.is_in(CLASSES).fill_null(False),
        f"is none of {', '.join(CLASSES)}",
        "set it; rate beta, provider beta and factors leave the lot out",
        grave=False,
    ),
    ConsistencyRule(
        "class_against_type",
        "positions",
        ("investment_class", "position_type"),
        _open & (is_option() != (_class == "OPTIONS")) & _class.is_in(("PUBLIC", "OPTIONS")),
        "contradicts the type",
        f"OPTIONS goes with {', '.join(OPTION_TYPES)}, PUBLIC with LONG and SHORT",
        grave=False,
    ),
)


def inconsistencies(
    portfolios: pl.DataFrame, positions: pl.DataFrame, price_currencies: pl.DataFrame
) -> pl.DataFrame:
    """Find the rows that break a rule across columns.

    Args:
        portfolios: valid rows of the table.
        positions: the same; lots that are deleted, or of other portfolios, are not checked.
        price_currencies: symbol, price_currency: of the symbols whose provider reports one.

    Returns:
        Rows of `FINDINGS`, by rule and key.
    """
    lots = positions.filter(pl.col("deleted_at").is_null()).join(
        portfolios, left_on="portfolio_id", right_on="id", how="semi", maintain_order="left"
    )
    lots = lots.join(price_currencies, on="symbol", how="left", maintain_order="left")
    tables = {
        "portfolios": portfolios.with_columns(portfolio_id="id"),
        "positions": lots,
    }
    broken = {name: _broken(rows, name) for name, rows in tables.items()}
    found = (_findings(tables[rule.table], rule) for rule in RULES if broken[rule.table][rule.code])
    return pl.concat([pl.DataFrame(schema=FINDINGS), *found])


def _broken(rows: pl.DataFrame, table: str) -> dict[str, bool]:
    """Return whether a row breaks each rule of a table, by code: usually none does."""
    rules = (rule for rule in RULES if rule.table == table)
    broken = (rule.broken.fill_null(False).any().alias(rule.code) for rule in rules)
    return rows.select(broken).row(0, named=True)


def _findings(rows: pl.DataFrame, rule: ConsistencyRule) -> pl.DataFrame:
    first, *others = rule.columns
    further = [name for name in ("symbol", *others) if name in rows.columns and name != first]
    shown = {name: pl.col(name).cast(pl.String).fill_null("null") for name in (first, *further)}
    value = pl.concat_str(
        shown[first], *(pl.format(f"{name} {{}}", shown[name]) for name in further), separator=", "
    )
    return rows.filter(rule.broken.fill_null(False)).select(
        table=pl.lit(rule.table),
        key="id",
        column=pl.lit(first),
        value=value,
        rule=pl.lit(rule.words),
        portfolio_id="portfolio_id",
        code=pl.lit(rule.code),
        grave=pl.lit(rule.grave),
    )
