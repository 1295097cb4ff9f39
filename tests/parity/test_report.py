"""What people and machines see of a comparison."""

from __future__ import annotations

import json
import math
from html.parser import HTMLParser

import pytest

from engine.parity import Comparison, Exemption, compare

from .worlds import DAY, NEXT_DAY, Memory, exposures, store

DAMAGE = '<script>alert("&")</script>'


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    """One of everything: equal, off by one, different, exempt, missing, extra, repeated."""
    expected = exposures("1", "2", "3", "4", "5", "5")
    actual = exposures("1", "2.000001", "30", "4.5", "5", "5")
    expected = expected.changed("factor_exposures", 5, "portfolio_id", "p4")
    actual = actual.changed("factor_exposures", 5, "portfolio_id", DAMAGE)
    actual = actual.changed("factor_definitions", 0, "description", DAMAGE)
    exempt = Exemption("factor_exposures", "by chance", "*", {"portfolio_id": ("p3",)})
    expected = Memory(expected.frames, "postgresql://me:secret@host/db")
    return compare(expected, actual, None, DAY, NEXT_DAY, exemptions=[exempt])


def test_the_terminal_report_reads_from_verdict_to_detail(comparison: Comparison) -> None:
    lines = comparison.to_text().splitlines()
    assert lines[0].split() == ["expected", "postgresql://me:***@host/db"]
    assert lines[2].split(maxsplit=1) == ["window", "2025-05-02 to 2025-05-05"]
    assert lines[3].startswith("verdict   different: extra rows: 1; rows with a repeated key: 3; ")
    row = next(line for line in lines if line.startswith("factor_exposures  "))
    assert " ".join(row.split()) == "factor_exposures 6 6 0 1 3 8 4 1 1 2"
    assert next(line for line in lines if line.startswith("all ")).split()[1:3] == ["7", "7"]
    for line in (
        "    exposure_value, different, 27 apart",
        "        p2 / Momentum / 2025-05-02",
        "        expected 3.000000",
        "        actual   30.000000",
        "    exposure_value, off by one, 1e-06 apart",
        "        p1 / Momentum / 2025-05-02",
        "factor_exposures: 3 duplicated",
        "    p4 / Momentum / 2025-05-02",
        "    * where portfolio_id in p3",
        "    because by chance",
    ):
        assert line in lines


def test_no_line_is_wider_than_a_terminal() -> None:
    long = "x" * 300
    a, b = (store(position_market_betas=[{"method": long, "beta": n}]) for n in (1, 2))
    lines = compare(a, b).to_text().splitlines()
    assert max(map(len, lines)) <= 120
    assert any(" ... " in line for line in lines)


def test_an_equal_comparison_says_how_much_was_compared() -> None:
    text = compare(exposures("1"), exposures("1")).to_text()
    assert "verdict   equal: 8 cells in 2 tables" in text
    assert "window    all days" in text


def test_json_holds_everything(comparison: Comparison) -> None:
    content = json.loads(comparison.to_json())
    assert content["verdict"] == "different"
    assert (content["start"], content["end"]) == ("2025-05-02", "2025-05-05")
    assert content["expected"] == "postgresql://me:***@host/db"
    for name in ("tables", "columns", "rows", "examples", "exemptions"):
        assert content[name] == getattr(comparison, name).to_dicts()


def test_json_is_strict_even_where_figures_are_not_numbers() -> None:
    a, b = (store(position_interest_rate_betas=[{"r_squared": x}]) for x in (math.nan, 0.5))
    (example,) = json.loads(compare(a, b).to_json(), parse_constant=pytest.fail)["examples"]
    assert (example["expected"], example["actual"]) == ("NaN", "0.5000")
    assert example["difference"] is None


class Tags(HTMLParser):
    """Every tag, and the balance of those that must close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_stands_alone_and_is_well_formed(comparison: Comparison) -> None:
    page = comparison.to_html()
    tags = Tags(page)
    assert not tags.open
    assert not {"script", "link", "img", "iframe"} & set(tags.seen)
    assert "http" not in page
    assert "url(" not in page
    assert {"main", "caption", "thead", "tbody", "th"} <= set(tags.seen)
    assert "prefers-color-scheme:dark" in page
    assert "@media print" in page
    assert len(page) < 30_000


def test_stored_text_cannot_break_the_page(comparison: Comparison) -> None:
    page = comparison.to_html()
    assert DAMAGE not in page
    assert "&lt;script&gt;" in page


def test_a_notebook_shows_the_same_report(comparison: Comparison) -> None:
    cell = comparison._repr_html_()
    assert "different" in cell
    assert "<html" not in cell
    assert cell in comparison.to_html()
