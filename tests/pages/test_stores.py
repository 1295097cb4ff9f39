"""Every kind of store gives the same page."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.reports import fleet_page, portfolio_page
from tests.pages.conftest import LONG_SHORT
from tests.stores.support import copied

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["parquet", "postgres"])
def test_the_page_is_the_same_from_every_store(
    demo: str, demo_page: str, fleet: str, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"parquet:///{tmp_path}" if kind == "parquet" else request.getfixturevalue("postgres_url")
    copied(demo, url)
    for page, other in (
        (demo_page, portfolio_page(url, LONG_SHORT)),
        (fleet, fleet_page(url)),
    ):
        assert _without_store(page) == _without_store(other)


def _without_store(page: str) -> str:
    before, _, after = page.partition("<dt>Store</dt>")
    return before + after.partition("</dd>")[2]
