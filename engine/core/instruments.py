"""Symbols that no market quotes, and the shares of an option contract."""

from __future__ import annotations

import polars as pl

from engine.core.rules import SyntheticPrefix

SYNTHETIC = (
    "HOME_EQUITY",
    "TREASURY_BILLS",
    "CRYPTO_BTC_ETH",
    "TWO_SIGMA_FUND",
    "A16Z_VC_FUND",
    "STARWOOD_REIT",
    "BX_PRIVATE_EQUITY",
    "RENTAL_SFH",
    "ART_COLLECTIBLES",
    "RENTAL_CONDO",
    "MONEY_MARKET",
)
"""Invented symbols of private assets in the legacy database (document 01 §8.3)."""
OPTION_CONTRACT = r"[0-9]{6}[CP][0-9]{8}$"
OPTION_TYPES = ("LC", "LP", "SC", "SP")
CALLS = ("LC", "SC")
LONG_TYPES, SHORT_TYPES = ("LONG", "LC", "LP"), ("SHORT", "SC", "SP")
CONTRACT_SIZE = 100
"""Shares."""


def canonical(symbol: str) -> str:
    """Return a symbol as market data is stored under it (document 04 §2.1).

    Args:
        symbol: as a user or another system writes it.
    """
    return symbol.strip().upper()


def unquoted(symbol: str, synthetic_prefix: SyntheticPrefix) -> pl.Expr:
    """Return whether a symbol is never priced: empty, synthetic, or an option contract.

    A contract's symbol ends in six digits (expiry), C or P, and eight digits (strike), the form
    of the Options Clearing Corporation. Source: document 01 §8.3.

    Args:
        symbol: name of the column.
        synthetic_prefix: see `engine.core.rules.Rules`.

    Returns:
        A Boolean expression.
    """
    name = pl.col(symbol).str.strip_chars().str.to_uppercase()
    synthetic = name.is_in(SYNTHETIC) | name.str.starts_with("FO_")
    if synthetic_prefix == "EQ":
        synthetic |= name.str.starts_with("EQ")
    return (name == "") | synthetic | name.str.contains(OPTION_CONTRACT)


def is_option() -> pl.Expr:
    """Return whether a position's type is that of an option."""
    return pl.col("position_type").is_in(OPTION_TYPES)


def measured_symbol() -> pl.Expr:
    """Return the symbol whose volatility a position has: its underlying's, if it has one."""
    underlying = pl.col("underlying_symbol")
    return pl.when(underlying != "").then(underlying).otherwise("symbol")


def is_private() -> pl.Expr:
    """Return whether a position is a private asset, in any case of letters; one without a class is none."""
    return (pl.col("investment_class").str.to_uppercase() == "PRIVATE").fill_null(False)


def is_quoted() -> pl.Expr:
    """Return whether a market quotes a position: no private asset, synthetic symbol or option contract."""
    return ~is_private() & ~unquoted("symbol", "none")


def value_multiplier() -> pl.Expr:
    """Return the factor of a position's value: 100 for options that are no private asset, else 1."""
    return pl.when(is_option() & ~is_private()).then(CONTRACT_SIZE).otherwise(1)


def multiplier() -> pl.Expr:
    """Return the shares of one unit of quantity: 100 for options, else 1 (document 01 §3.3)."""
    return pl.when(is_option()).then(CONTRACT_SIZE).otherwise(1)
