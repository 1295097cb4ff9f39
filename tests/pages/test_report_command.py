"""The command `engine report`: files, stdout, errors."""

from __future__ import annotations

import importlib.util
from datetime import date
from pathlib import Path

import pytest

from engine.cli.main import main
from engine.reports import fleet_page, portfolio_page
from engine.reports.page_errors import MissingExtraError, NothingStoredError
from tests.pages.conftest import FAMILY
from tests.pages.document import parsed, table

pytestmark = pytest.mark.thorough


def test_a_page_is_the_same_each_time_and_its_path_is_printed(
    demo: str, family_page: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "page.html"
    assert main(["report", demo, "--portfolio", FAMILY, "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert out.read_text(encoding="utf-8") == family_page


def test_the_fleets_page_goes_to_stdout_on_request(
    demo: str, fleet: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", demo, "--out", "-"]) == 0
    assert capsys.readouterr().out == fleet


def test_a_window_can_be_chosen(demo: str) -> None:
    page = parsed(portfolio_page(demo, FAMILY, date(2025, 12, 1), date(2025, 12, 5)))
    assert table(page, "5 sessions").texts("Session") == [f"2025-12-0{day}" for day in range(1, 6)]
    assert "2025-12-01 to 2025-12-05, 5 sessions" in page.one("header").text


def test_pages_are_written_next_to_the_fleets_and_link_back(
    edge: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(url: str, key: str, *days: date | None, rules: str, fleet: str) -> str:
        return f"{key} back to {fleet}"

    monkeypatch.setattr("engine.reports.many.portfolio_page", short)
    out = tmp_path / "all.html"
    assert main(["report", edge, "--out", str(out), "--pages"]) == 0
    made = sorted(file.name for file in (tmp_path / "all").iterdir())
    links = [link.attributes["href"] for link in parsed(out.read_text()).one("table", id="fleet").all("a")]
    assert sorted(links) == [f"all/{name}" for name in made]
    assert (tmp_path / "all" / made[0]).read_text() == f"{made[0].removesuffix('.html')} back to ../all.html"


@pytest.mark.parametrize(
    "wrong",
    [
        ["--portfolio", "Demo Family Ofice 5"],
        ["--portfolio", FAMILY, "--pages"],
        ["--pages", "--out", "-"],
        ["--start", "2031-01-01"],
        ["--out", "no/such/folder/page.html"],
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(
    demo: str, wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", demo, *wrong]) == 2
    output = capsys.readouterr()
    assert output.err.startswith("error: ")
    assert output.out == ""


def test_an_unknown_name_is_answered_with_the_nearest(demo: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["report", demo, "--portfolio", "Demo Family Ofice 5"])
    assert f"nearest: {FAMILY}" in capsys.readouterr().err


def test_a_store_without_snapshots_says_how_to_make_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"duckdb:///{tmp_path}/empty.duckdb"
    assert main(["demo", url, "--portfolios", "1", "--positions", "2", "--quiet"]) == 0
    with pytest.raises(NothingStoredError, match="backfill"):
        fleet_page(url)


def test_a_missing_library_is_named_with_the_command_that_installs_it(
    demo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        "engine.reports.page_errors.find_spec", lambda name: None if name == "vl_convert" else find_spec(name)
    )
    with pytest.raises(
        MissingExtraError, match=r"vl_convert.*pip install 'columnar-portfolio-engine\[report\]'"
    ):
        portfolio_page(demo, FAMILY)
