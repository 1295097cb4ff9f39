"""The rules that a store's figures were computed by, as the store has recorded them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.core.rules import Rules
from loaders.reader import Reader

PREFIX = "rule."
RECOMPUTE = "recompute"


@dataclass(frozen=True)
class StoreRules:
    """Rules as a store has recorded them.

    Attributes:
        rules: The rules of its figures; None for a store without figures and without a record.
        record: Values by rule, as recorded. Figures without a record were computed by legacy rules.
        recomputing: Id of an unfinished run that computes the whole store anew, else None.
    """

    rules: Rules | None
    record: Mapping[str, str] = field(default_factory=dict)
    recomputing: str | None = None

    @property
    def unrecorded(self) -> list[str]:
        """The rules of this engine that the record lacks."""
        return [name for name in Rules.legacy().record if name not in self.record]


def read_rules(reader: Reader | None) -> StoreRules:
    """Return the rules of a store.

    Args:
        reader: The store of the results; None if it does not exist yet.

    Raises:
        UsageError: The record has a rule or a value that this engine does not know.
    """
    if reader is None:
        return StoreRules(None)
    settings = dict(reader.read("engine_settings", ["name", "value"]).iter_rows())
    record = {name.removeprefix(PREFIX): value for name, value in settings.items() if name.startswith(PREFIX)}
    if record:
        return StoreRules(Rules.from_record(record), record, settings.get(RECOMPUTE))
    return StoreRules(Rules.legacy() if _has_figures(reader) else None)


def rule_settings(record: Mapping[str, str]) -> dict[str, str]:
    """Return the rows of engine_settings that record rules, as values by name.

    Args:
        record: Values by rule: see `engine.core.rules.Rules.record`.
    """
    return {f"{PREFIX}{name}": value for name, value in record.items()}


def _has_figures(reader: Reader) -> bool:
    return reader.read("portfolio_snapshots", ["equity_balance"])["equity_balance"].count() > 0
