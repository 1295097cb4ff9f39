"""How Yahoo spells symbols."""

from __future__ import annotations


def provider_symbol(symbol: str) -> str:
    """A canonical symbol as Yahoo has it: `BRK-B` for `BRK.B` (document 04 §2.1)."""
    return symbol.replace(".", "-")
