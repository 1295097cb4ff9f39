"""A comparison as text, JSON and HTML."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from engine.parity import Comparison, Exemption, compare
from tests.pages.document import card, parsed, table

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


def test_names_stand_before_ids_in_texts_and_not_in_json(comparison: Comparison) -> None:
    named = replace(comparison, labels={"p2": "My <book>", "p4": "Other"})
    lines = named.to_text().splitlines()
    assert "        My <book> (p2) / Momentum / 2025-05-02" in lines
    assert "    Other (p4) / Momentum / 2025-05-02" in lines
    assert "My <book> (p2) / Momentum / 2025-05-02" in parsed(named.to_html()).one("body").text
    assert "My <book>" not in named.to_json()


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
    """Records every tag, and checks that elements are closed."""

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
    assert not {"link", "img", "iframe"} & set(tags.seen)
    assert tags.seen.count("script") == page.count("<script>") == 1, "its own, which copies and saves tables"
    assert not re.search("https?:", page)
    assert "url(" not in page
    assert {"main", "caption", "thead", "tbody", "th"} <= set(tags.seen)
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert len(page) < 30_000


def test_the_page_needs_no_extra() -> None:
    """The charts of `engine.reports` need altair, vl-convert and scipy; this page must not."""
    code = """
import sys
sys.modules.update(altair=None, vl_convert=None, scipy=None)
from engine.parity import compare
from tests.parity.worlds import exposures
page = compare(exposures("1"), exposures("2")).to_html()
assert "Stores different" in page
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_page_shows_verdict_counts_and_examples(comparison: Comparison) -> None:
    document = parsed(comparison.to_html())
    assert document.one("h1").text == "Stores different"
    assert (card(document, "Verdict").text, card(document, "Rows unmatched").value) == ("different", 4)
    tables = table(document, "Tables")
    place = tables.texts("Table").index("factor_exposures")
    headings = (
        "Rows expected",
        "Missing",
        "Extra",
        "Duplicated",
        "Equal",
        "Off by one",
        "Different",
        "Exempt",
    )
    assert [tables.values(heading)[place] for heading in headings] == [6, 0, 1, 3, 4, 1, 1, 2]
    examples = table(document, "Examples of cells")
    cells = zip(*(examples.texts(name) for name in ("Status", "Key", "Expected", "Actual")), strict=True)
    assert ("different", "p2 / Momentum / 2025-05-02", "3.000000", "30.000000") in cells
    assert 1e-6 in examples.values("Difference")


def test_stored_text_cannot_break_the_page(comparison: Comparison) -> None:
    page = comparison.to_html()
    assert DAMAGE not in page
    assert "&lt;script&gt;" in page


def test_a_notebook_shows_the_same_report(comparison: Comparison) -> None:
    cell = comparison._repr_html_()
    assert "different" in cell
    assert "<html" not in cell
    assert cell in comparison.to_html()
