"""A store has its rules: the first run records them, later runs take them from the record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from engine.batch.ledger import SETTINGS
from engine.batch.request import Request
from engine.batch.steps import RunState
from engine.core.errors import EngineError, UsageError
from engine.core.rules import Rules
from engine.core.store_url import StoreURL
from loaders.earlier_results import EarlierResults, stored_days
from loaders.reader import Reader
from loaders.store_rules import StoreRules, read_rules, rule_settings


class OtherRulesError(UsageError):
    """A run that names other rules than its store's."""

    def __init__(self, url: StoreURL, stored: Rules, asked: Rules, differences: Sequence[str]) -> None:
        self.stored, self.asked, self.differences = stored, asked, tuple(differences)
        changes = ", ".join(
            f"{name} is {stored.record[name]}, not {asked.record[name]}" for name in differences
        )
        super().__init__(
            f"store {url} has the rules {stored}, this run names {asked}: {changes}",
            "Leave --rules out to go on by the store's rules, or add --recompute to compute all of its "
            "sessions anew by the others",
        )


class UnfinishedRecomputeError(EngineError):
    """A store whose figures are partly of its old rules, partly of its new ones."""

    def __init__(self, url: StoreURL, rules: Rules) -> None:
        self.rules = rules
        super().__init__(
            f"store {url}: only a part of its figures is by its rules, {rules}; a run with --recompute was "
            "interrupted",
            f"Run `engine backfill --rules {rules} --recompute` on it again; it goes on where it stopped",
        )


def choose_rules(state: RunState, past: EarlierResults) -> Request:
    """Return the request with the rules of the run, and keep it in the state.

    A target without figures gets the rules that the run names, else those that the source has recorded. A
    target with figures may refuse other rules: see `rules_of`.

    Args:
        state: of the backfill; its request and settings are set here.
        past: source and target; the target may not exist yet.
    """
    request, store = state.request, read_rules(past.results)
    if store.rules is None:
        rules = request.asked_rules or read_rules(past.source).rules or Rules.legacy()
    else:
        rules = rules_of(store, store.rules, request)
    if store.record and store.unrecorded and not request.recompute:
        names = ", ".join(store.unrecorded)
        state.progress.note(f"rules that are new since the store recorded its own, kept at legacy: {names}")
    if can_record(past.results):
        changed = {name: value for name, value in rules.record.items() if store.record.get(name) != value}
        state.settings = rule_settings(changed)
    state.request = request._replace(rules=rules)
    return state.request


def can_record(results: Reader | None) -> bool:
    """Return whether the target has, or may be given, the table that records rules.

    Args:
        results: of the target; None if it does not exist yet.
    """
    return results is None or SETTINGS.name in results.columns or results.may_create


def rules_of(store: StoreRules, stored: Rules, request: Request) -> Rules:
    """Return the rules of a run into a store that has figures, computed by the rules `stored`.

    Args:
        store: what the store has recorded.
        stored: the rules of its figures.
        request: names other rules, or None for the store's own.

    Raises:
        OtherRulesError: the run names other rules than its store's, without computing all anew.
        UnfinishedRecomputeError: another run has begun to compute all anew, and did not end.
    """
    asked = request.asked_rules or stored
    if store.recomputing and not (request.recompute and asked == stored):
        raise UnfinishedRecomputeError(request.target, stored)
    if asked != stored and not request.recompute:
        raise OtherRulesError(request.target, stored, asked, stored.differences(asked))
    return asked


def first_session(reader: Reader | None) -> date | None:
    """Return the first stored session: where a run begins that computes all anew."""
    if reader is None:
        return None
    first = stored_days(reader)["snapshot_date"].min()
    assert first is None or isinstance(first, date)
    return first
