"""The golden stores of tests/stores, and the corpus's tally in the summary."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.stores.conftest import empty_store, fresh, golden_stores

__all__ = ["empty_store", "fresh", "golden_stores"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how the bad inputs ended, over all workers."""
    tally: Counter[str] = Counter()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            tally.update(dict(report.user_properties).get("tally", {}))
    if tally:
        told = ", ".join(f"{count} {way}" for way, count in tally.most_common())
        terminalreporter.write_line(f"hostile corpus: {tally.total()} bad inputs: {told}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A minute or two on two cores: too long for every day."""
    for item in items:
        if "tests/hostile" in item.nodeid and not item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.thorough)
