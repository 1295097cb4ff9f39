"""The pages say what the code says: generated ones are up to date, constants and names are the code's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import engine
from engine.analytics.betas import market
from engine.analytics.concentration import measures as concentration
from engine.analytics.factors import ridge as ridge_factors
from engine.analytics.factors import style_factors
from engine.analytics.stress import factor_correlations, stress_pnl
from engine.analytics.stress.scenarios import load_scenarios
from engine.analytics.volatility import position_volatility as volatility
from engine.batch.shards import BYTES_A_SESSION
from engine.cli.settings import Config
from engine.core.funds import FACTOR_FUNDS, SPREAD_FUNDS, STYLE_FUNDS
from engine.core.instruments import CONTRACT_SIZE, SYNTHETIC
from engine.core.job_catalog import (
    EXPOSURE_ROWS,
    JOBS,
    MARKET_VALUES,
    MIN_POSITION_PERCENT,
    MIN_POSITION_VALUE,
    PNL,
    RATE_BETA_DAYS,
    AnalyticsJob,
)
from engine.core.rules import Rules
from engine.core.window import PRICE_LOOK_BACK
from engine.numerics import correlation
from engine.numerics import volatility as figures
from engine.parity.tolerance import OFF_BY_ONE_IN
from tests.docs.blocks import PAGES, ROOT, name
from tests.test_golden import CELLS
from tools import commands_page, reasons_page

DOCS = ROOT / "docs"
PARTS = ("## Not a textbook's", "## Legacy and corrected", "## Check it", "| stored in |", "| code |")
CALCULATIONS = sorted((DOCS / "calculations").glob("*.md"))
ROW_OF_REASON = re.compile(r"^\| (?:failed|partial|skipped) \| `[a-z_]+` \|.*\|$", re.MULTILINE)
CAPPED = "lie in [\N{MINUS SIGN}{0:g}, {0:g}]"
SCENARIOS = load_scenarios()

CLAIMS = {
    "calculations/index.md": [
        ("at most {} calendar days old", PNL.look_back),
        ("at most {} calendar days old | the position", MARKET_VALUES.look_back),
        ("factor funds: {}.", ", ".join(FACTOR_FUNDS)),
        ("$m$ is {} for the option types", CONTRACT_SIZE),
    ],
    "../README.md": [("Of {:,} cells in 20 tables", CELLS["mixed"])],
    "explanation/parity.md": [("Of {:,} cells 505 are exempt", CELLS["mixed"])],
    "calculations/position-values.md": [
        ("{} synthetic names", {11: "eleven"}[len(SYNTHETIC)]),
    ],
    "calculations/market-beta.md": [
        (CAPPED, market.CAP),
    ],
    "calculations/rate-beta.md": [
        (CAPPED, market.CAP),
    ],
    "calculations/spread-factors.md": [
        (CAPPED, style_factors.CAP),
        *((f"| {factor} | {{0[0]}} | {{0[1]}} |", funds) for factor, funds in SPREAD_FUNDS.items()),
    ],
    "calculations/ridge-factors.md": [
        ("| {} on the sum of squares", ridge_factors.PENALTY),
        (CAPPED, style_factors.CAP),
        ("| factor | {} |", " | ".join(STYLE_FUNDS)),
        ("| fund | {} |", " | ".join(STYLE_FUNDS.values())),
    ],
    "calculations/volatility.md": [
        ("; {} for the percentile |", figures.MIN_FOR_PERCENTILE),
        ("the last {} values of $M$", figures.TREND_POINTS),
        ("slope is above {} a day", volatility.STEEPEST_STABLE),
        ("above {}; `decreasing`", volatility.WEAKEST_TREND),
        ("$A = \\sqrt{{{:.0f}}}$", figures.ANNUAL**2),
    ],
    "calculations/correlations.md": [
        (", {} for its correlations to be numbers", correlation.MIN_OVERLAP),
        ("positions of at least {:,} USD", MIN_POSITION_VALUE),
        ("at least {:g} % of gross", MIN_POSITION_PERCENT),
    ],
    "calculations/sector.md": [
        ("hhi}} = {} \\sum", concentration.HHI_SCALE),
        ("`top_{0[0]}_concentration`, `top_{0[1]}_concentration`", concentration.LARGEST),
    ],
    "calculations/stress.md": [
        ("\\propto {}^{{T-t}}", factor_correlations.DECAY),
        ("cut to ±{} off", SCENARIOS.bounds[1]),
        ("newest {} rows", EXPOSURE_ROWS),
        ("of the last {} calendar days", RATE_BETA_DAYS),
        ("\\max\\Big({}\\,B", stress_pnl.LOSS_FLOOR),
        ("{} come with the engine", len(SCENARIOS.all)),
        ("of which {} are active", len(SCENARIOS.active)),
    ],
    "reference/settings.md": [
        ("| `{}` | the store that commands", Config.database),
        ("| `--batch-size` | {} |", Config.batch_size),
        ("| `{}` | the file that every run", Config.run_results),
    ],
    "explanation/how-a-run-works.md": [("closes since {} days", PRICE_LOOK_BACK.days)],
    "how-to/compare.md": [("fewer than 1 in {:,}", OFF_BY_ONE_IN)],
    "operations.md": [
        ("at most {} KiB a session of a portfolio", BYTES_A_SESSION // 2**10),
    ],
}
"""Phrases of pages, with the constants that fill them."""


@pytest.mark.parametrize("page", CLAIMS)
def test_what_a_page_says_of_a_constant_is_what_the_code_does(page: str) -> None:
    text = " ".join((DOCS / page).read_text(encoding="utf-8").split())
    for words, value in CLAIMS[page]:
        assert words.format(value) in text


def test_the_page_of_commands_is_up_to_date() -> None:
    assert commands_page.PAGE.read_text(encoding="utf-8") == commands_page.markdown()


def test_every_public_name_is_on_the_python_page() -> None:
    shown = re.findall(r"^::: engine\.(\w+)$", (DOCS / "reference/python.md").read_text(), re.MULTILINE)
    assert sorted(shown) == sorted(engine.__all__)


def test_the_page_of_reasons_is_up_to_date() -> None:
    assert reasons_page.PAGE.read_text(encoding="utf-8") == reasons_page.markdown()


@pytest.mark.parametrize("job", JOBS.values(), ids=lambda job: str(job.name))
def test_a_job_s_page_has_its_tables_look_back_minimum_and_reasons(job: AnalyticsJob) -> None:
    text = (DOCS / job.page).read_text(encoding="utf-8")
    facts = dict(re.findall(r"^\| ([a-z -]+) \| (.*) \|$", text, re.MULTILINE))
    assert facts["job"] == f"`{job.name}`"
    assert all(f"`{table}`" in facts["stored in"] for table in job.tables)
    assert not job.look_back or facts["look-back"].startswith(f"{job.look_back} calendar days")
    assert not job.minimum or re.match(rf"{job.minimum} (returns|sessions)\b", facts["minimum"])
    assert ROW_OF_REASON.findall(text) == reasons_page.reason_rows(job)


def test_every_rule_is_told_on_the_page_of_its_calculation() -> None:
    for field, old in vars(Rules.legacy()).items():
        row = re.compile(
            rf"^\| `{field}` \| `{old}`.* \| `{getattr(Rules.corrected(), field)}`", re.MULTILINE
        )
        assert any(row.search(path.read_text()) for path in CALCULATIONS), field
        assert f"    {field}: " in str(Rules.__doc__), field


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_files_that_are_named_are_there(page: Path) -> None:
    for path in re.findall(
        r"`((?:engine|loaders|writers|sql|tests|tools|notebooks)/[\w./-]+)`", page.read_text()
    ):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", CALCULATIONS, ids=name)
def test_every_calculation_is_told_in_full(page: Path) -> None:
    if page.name == "index.md":
        return
    text = page.read_text()
    for part in (
        "## Not a textbook's",
        "## Legacy and corrected",
        "## Check it",
        "| stored in |",
        "| code |",
    ):
        assert part in text
