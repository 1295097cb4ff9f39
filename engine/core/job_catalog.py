"""The analytics jobs: one declaration each, from which everything that lists jobs is made.

The order of the jobs in analytics_status, pages, `explain`, the reference pages and the benchmark's
stages come from `JOBS`. Which tables and columns a job fills is declared in `engine.core.schema`
(`Table.jobs`, `Column.job`), so that a new column is declared in one place.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal, NamedTuple

from engine.core.consistency import RULES as CONSISTENCY_RULES
from engine.core.funds import BENCHMARK, MARKET_FUND, RATE_FUND
from engine.core.schema import TABLES
from engine.numerics.correlation import MIN_OVERLAP
from engine.numerics.volatility import MIN_OBSERVATIONS

NotDone = Literal["partial", "skipped", "failed"]
"""partial: there is a figure, but not from all that it needs. skipped: there was nothing to compute.
failed: there should have been a figure."""
Status = Literal["ok", "held_back"] | NotDone
"""held_back: not computed yet, because closes may still come."""


class Reason(NamedTuple):
    """Reason why a job has no figures for a portfolio and session.

    code: as analytics_status stores it. meaning: the same in words, without a full stop.
    """

    code: str
    status: NotDone
    meaning: str

    def __str__(self) -> str:
        return self.meaning


class AnalyticsJob(NamedTuple):
    """An analytics job.

    name: as analytics_status stores it. label: as pages show it.
    page: its page of documentation, below docs.
    reasons: in order of precedence: of several that hold, the first is stored.
    look_back: calendar days before the session, both ends included; 0 if it reads the session alone.
    minimum: observations that a figure needs; 0 if it needs none.
    from_run_date: whether it looks back from the run date, whatever the session.
    floor: the least coverage of a figure that is ok, a fraction of value; below it the figure is partial.
    """

    name: str
    label: str
    page: str
    reasons: tuple[Reason, ...] = ()
    look_back: int = 0
    minimum: int = 0
    from_run_date: bool = False
    floor: float = 0.0

    def first_day(self, day: date) -> date:
        """Return the first day of the look-back that ends on `day`.

        Args:
            day: session.
        """
        return day - timedelta(days=self.look_back)

    @property
    def obstacles(self) -> tuple[Reason, ...]:
        """The reasons for which there is no figure; in `reasons` they precede the others."""
        return tuple(reason for reason in self.reasons if reason.status != "partial")

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables whose rows the job writes."""
        return tuple(table.name for table in TABLES.values() if self.name in table.jobs)

    def columns(self, table: str = "portfolio_snapshots") -> tuple[str, ...]:
        """Return the columns that the job fills in a table whose rows others write too.

        Args:
            table: name, one of `tables` or portfolio_snapshots.
        """
        return tuple(column.name for column in TABLES[table].columns if column.job == self.name)


def partial(code: str, meaning: str) -> Reason:
    """Return a reason for which there is a figure that must not be trusted.

    Args:
        code: stored in analytics_status.reason.
        meaning: the same in words.
    """
    return Reason(code, "partial", meaning)


def skipped(code: str, meaning: str) -> Reason:
    """Return a reason for which there is nothing to compute.

    Args:
        code: stored in analytics_status.reason.
        meaning: the reason in words, for pages and documentation.
    """
    return Reason(code, "skipped", meaning)


def failed(code: str, meaning: str) -> Reason:
    """Return a reason for which a figure that is due cannot be computed.

    Args:
        code: stored in analytics_status.reason.
        meaning: the reason in words, for pages and documentation.
    """
    return Reason(code, "failed", meaning)


def low_coverage(floor: float) -> Reason:
    """Return the reason of a figure that rests on too little of the portfolio.

    Args:
        floor: of the job.
    """
    return partial(
        LOW_COVERAGE, f"the lots that entered the figure are less than {floor:.0%} of the value due"
    )


LOW_COVERAGE = "low_coverage"
CLOSES_FLOOR = 0.95
"""Of jobs that value lots: the legacy batch warned when more than 5 % lacked a close (document 04 §4.5)."""
FIGURES_FLOOR = 0.8
"""Of jobs that estimate from returns, which young listings lack for months: a beta without a fifth of the
book's value may be off by as much."""
NO_CLOSES = low_coverage(CLOSES_FLOOR)
FEW_LOTS = low_coverage(FIGURES_FLOOR)

# A reason's constant is its code; where a code means something else in another job, the job precedes it.
EQUITY_NOT_POSITIVE = failed(
    "equity_not_positive", "the session's equity is null, 0 or negative, so positions have no weights"
)
NO_PUBLIC_POSITIONS = skipped(
    "no_public_positions", "no open position is a public stock: class PUBLIC, type LONG or SHORT"
)

INCONSISTENT = tuple(
    partial(rule.code, f"a row's {rule.columns[0]} {rule.words}") for rule in CONSISTENCY_RULES if rule.grave
)
"""Reasons of the jobs that value the lots of a portfolio with an inconsistent row."""
VALUATION = (*INCONSISTENT, NO_CLOSES)
PNL = AnalyticsJob("pnl", "P&L", "calculations/pnl.md", VALUATION, look_back=10, floor=CLOSES_FLOOR)
"""look_back: the oldest previous close that a daily P&L is computed from (document 01 §8.1)."""
SNAPSHOT = AnalyticsJob("snapshot", "Exposures", "calculations/snapshots.md", VALUATION, floor=CLOSES_FLOOR)
MARKET_VALUES = AnalyticsJob(
    "market_values",
    "Position values",
    "calculations/position-values.md",
    VALUATION,
    look_back=5,
    floor=CLOSES_FLOOR,
)
"""look_back: the oldest close that still prices a position (document 01 §8.1)."""

BETA_LOOK_BACK = 120
"""Calendar days of the regressions of market, rate and ridge betas: 90 and a buffer of 30
(document 02 §2.3)."""
BETA_MINIMUM = 30

MARKET_NO_ACTIVE_POSITIONS = failed("no_active_positions", "no position is open")
MARKET_NO_BETAS = failed(
    "no_betas", f"no open position has {BETA_MINIMUM} returns in common with {MARKET_FUND}"
)
NO_DEFINITION = partial(
    "no_definition",
    "factor_definitions has no row of Market Beta (90D), so that no exposure is stored; a new store of "
    "`engine schema --create` has it",
)
MARKET_BETA = AnalyticsJob(
    "market_beta",
    "Market beta",
    "calculations/market-beta.md",
    (EQUITY_NOT_POSITIVE, MARKET_NO_ACTIVE_POSITIONS, MARKET_NO_BETAS, NO_DEFINITION, FEW_LOTS),
    look_back=BETA_LOOK_BACK,
    minimum=BETA_MINIMUM,
    floor=FIGURES_FLOOR,
)

PROVIDER_NO_BETAS = failed(
    "no_betas",
    "no open public stock has a value and a beta (its profile's, else a stored market beta) other than 0",
)
PROVIDER_BETA = AnalyticsJob(
    "provider_beta",
    "Provider beta",
    "calculations/provider-beta.md",
    (EQUITY_NOT_POSITIVE, NO_PUBLIC_POSITIONS, PROVIDER_NO_BETAS, FEW_LOTS),
    floor=FIGURES_FLOOR,
)

RATE_NO_PUBLIC_POSITIONS = skipped("no_public_positions", "no open position has class PUBLIC")
RATE_NO_BETAS = failed(
    "no_betas", f"no open public position has {BETA_MINIMUM} returns in common with {RATE_FUND}"
)
RATE_BETA = AnalyticsJob(
    "rate_beta",
    "Rate beta",
    "calculations/rate-beta.md",
    (EQUITY_NOT_POSITIVE, RATE_NO_PUBLIC_POSITIONS, RATE_NO_BETAS, FEW_LOTS),
    look_back=BETA_LOOK_BACK,
    minimum=BETA_MINIMUM,
    floor=FIGURES_FLOOR,
)

SPREAD_MINIMUM = 60
NO_ACTIVE_DEFINITION = failed(
    "no_active_definition",
    "factor_definitions has no active row of the factors; a new store of `engine schema --create` has them",
)
NO_ETF_DATA = failed("no_etf_data", "the spreads' funds have no common return in the look-back")
NO_SPREAD_DATA = skipped(
    "no_spread_data", "one of the spreads' funds has no close on a session of the look-back"
)
SPREAD_NO_POSITION_BETAS = skipped(
    "no_position_betas",
    f"no open public stock has {SPREAD_MINIMUM} returns in common with the spreads' funds",
)
SPREAD_FACTORS = AnalyticsJob(
    "spread_factors",
    "Spread factors",
    "calculations/spread-factors.md",
    (
        EQUITY_NOT_POSITIVE,
        NO_PUBLIC_POSITIONS,
        NO_ETF_DATA,
        NO_SPREAD_DATA,
        SPREAD_NO_POSITION_BETAS,
        NO_ACTIVE_DEFINITION,
        FEW_LOTS,
    ),
    look_back=210,
    minimum=SPREAD_MINIMUM,
    floor=FIGURES_FLOOR,
)
"""look_back: 180 and a buffer of 30 (document 02 §2.3)."""

NO_FACTOR_DATA = skipped("no_factor_data", "the style funds have no common return in the look-back")
RIDGE_NO_POSITION_BETAS = skipped(
    "no_position_betas", f"no open public stock has {BETA_MINIMUM} returns in common with the style funds"
)
RIDGE_FACTORS = AnalyticsJob(
    "ridge_factors",
    "Ridge factors",
    "calculations/ridge-factors.md",
    (
        EQUITY_NOT_POSITIVE,
        NO_PUBLIC_POSITIONS,
        NO_FACTOR_DATA,
        RIDGE_NO_POSITION_BETAS,
        NO_ACTIVE_DEFINITION,
        FEW_LOTS,
    ),
    look_back=BETA_LOOK_BACK,
    minimum=BETA_MINIMUM,
    floor=FIGURES_FLOOR,
)

HISTORICAL_SESSION = skipped(
    "historical_session", "sectors are computed only from the run date on, and the session is earlier"
)
NO_POSITIONS = skipped("no_positions", "the portfolio holds no position in the session")
NO_EQUITY = failed("no_equity", "the session's equity is exactly 0")
NO_BENCHMARK = failed("no_benchmark", f"benchmarks_sector_weights has no row of {BENCHMARK}")
NO_VALUE = failed("no_value", "the values of the open positions add up to 0")
SECTOR = AnalyticsJob(
    "sector",
    "Sectors",
    "calculations/sector.md",
    (HISTORICAL_SESSION, NO_POSITIONS, NO_EQUITY, NO_BENCHMARK, NO_VALUE, FEW_LOTS),
    floor=FIGURES_FLOOR,
)

VOLATILITY_NO_ACTIVE_POSITIONS = skipped("no_active_positions", "no position is open")
VOLATILITY_NO_PUBLIC_POSITIONS = skipped(
    "no_public_positions", "no open position has a symbol that a market quotes"
)
PERCENTILE_LOOK_BACK = 400
"""Calendar days that hold the 252 returns of a volatility's percentile, by `percentile_window=400_days`."""
OWN_FORECAST = ""
"""The symbol of a portfolio's own forecast in engine_forecast_scores."""
NO_POSITION_VOLATILITY = failed("no_position_volatility", f"no open position has {MIN_OBSERVATIONS} returns")
NO_PORTFOLIO_VOLATILITY = failed(
    "no_portfolio_volatility",
    f"the portfolio's own series has fewer than {MIN_OBSERVATIONS} returns, or its weights add up to 0",
)
VOLATILITY = AnalyticsJob(
    "volatility",
    "Volatility",
    "calculations/volatility.md",
    (
        EQUITY_NOT_POSITIVE,
        VOLATILITY_NO_ACTIVE_POSITIONS,
        VOLATILITY_NO_PUBLIC_POSITIONS,
        NO_POSITION_VOLATILITY,
        NO_PORTFOLIO_VOLATILITY,
        FEW_LOTS,
    ),
    look_back=365,
    minimum=MIN_OBSERVATIONS,
    floor=FIGURES_FLOOR,
)

CORRELATION_MINIMUM = 20
MIN_POSITION_VALUE = 10_000
"""USD, inclusive: a smaller position is in no correlation matrix (document 03 §2.3)."""
MIN_POSITION_PERCENT = 1
"""Percent of gross exposure, inclusive: the same."""
NO_POSITIONS_PASS_FILTER = skipped(
    "no_positions_pass_filter",
    f"no position is worth {MIN_POSITION_VALUE:,} USD and {MIN_POSITION_PERCENT} % of gross exposure",
)
NO_COMMON_RETURNS = skipped(
    "no_common_returns", "there are no two days on which all of the symbols have a close"
)
INSUFFICIENT_RETURNS = skipped(
    "insufficient_returns", f"the symbols have fewer than {CORRELATION_MINIMUM} returns in common"
)
FEW_RETURNS = skipped(
    "few_returns",
    f"the symbols have {CORRELATION_MINIMUM} to {MIN_OVERLAP - 1} returns in common, too few to correlate",
)
NO_CORRELATION = skipped(
    "no_correlation",
    "no symbol has a price that moved, or what the symbols hold cancels out",
)
NO_PAIR = partial("no_pair", "no two symbols have prices that moved on enough days of both")
CORRELATIONS = AnalyticsJob(
    "correlations",
    "Correlations",
    "calculations/correlations.md",
    (
        NO_POSITIONS_PASS_FILTER,
        NO_COMMON_RETURNS,
        INSUFFICIENT_RETURNS,
        FEW_RETURNS,
        NO_CORRELATION,
        NO_PAIR,
        FEW_LOTS,
    ),
    look_back=90,
    minimum=CORRELATION_MINIMUM,
    floor=FIGURES_FLOOR,
)

EXPOSURE_ROWS = 50
"""The newest factor exposures of a portfolio that stress tests read (document 03 §4.3)."""
RATE_BETA_DAYS = 7
"""Calendar days that stress tests use a stored rate beta (document 03 §4.3)."""
NO_FACTOR_PRICES = failed(
    "no_factor_prices", "the factor funds have no return in the look-back of the run date"
)
ONE_FACTOR_ALONE = failed(
    "one_factor_alone", "only one factor fund has closes in the look-back of the run date"
)
NO_FACTOR_EXPOSURES = skipped(
    "no_factor_exposures", "the portfolio has no factor exposure of the session or an earlier one"
)
NO_SCENARIOS = failed("no_scenarios", "no scenario is active")
NO_STORED_SCENARIOS = failed("no_stored_scenarios", "stress_test_scenarios has no row of an active scenario")
NOT_REPLAYED = failed(
    "not_replayed",
    "the scenario replays a window that ends after the session, or at whose ends no factor fund has a close",
)
FACTOR_NOT_MEASURED = failed(
    "factor_not_measured",
    "the portfolio's exposure to a factor that the scenario shocks could not be measured in the session",
)
UNMEASURED_FACTOR = partial(
    "unmeasured_factor",
    "the portfolio has no exposure to a factor that a scenario shocks: it counts as 0, or the scenario is "
    "left out (`unmeasured_factors`)",
)
STRESS = AnalyticsJob(
    "stress",
    "Stress",
    "calculations/stress.md",
    (
        NO_FACTOR_PRICES,
        ONE_FACTOR_ALONE,
        NO_FACTOR_EXPOSURES,
        NO_SCENARIOS,
        NO_STORED_SCENARIOS,
        NOT_REPLAYED,
        FACTOR_NOT_MEASURED,
        UNMEASURED_FACTOR,
        FEW_LOTS,
    ),
    look_back=282,
    minimum=30,
    from_run_date=True,
    floor=FIGURES_FLOOR,
)
"""look_back: of the factor funds' correlations (document 03 §4.2)."""

RISK_NO_ACTIVE_POSITIONS = skipped("no_active_positions", "no position is open")
NO_FACTOR_COVARIANCE = failed(
    "no_factor_covariance",
    f"the factor funds have fewer than {STRESS.minimum} returns in common, or {MARKET_FUND} has no close",
)
NO_RISK_MODEL = failed(
    "no_risk_model", f"no open position has {BETA_MINIMUM} returns in common with all factor funds"
)
NO_PREDICTED_RISK = skipped("no_predicted_risk", "the predicted volatility of the positions is 0")
RISK = AnalyticsJob(
    "risk",
    "Risk contributions",
    "calculations/risk.md",
    (
        EQUITY_NOT_POSITIVE,
        RISK_NO_ACTIVE_POSITIONS,
        NO_FACTOR_COVARIANCE,
        NO_RISK_MODEL,
        NO_PREDICTED_RISK,
        FEW_LOTS,
    ),
    look_back=STRESS.look_back,
    minimum=BETA_MINIMUM,
    floor=FIGURES_FLOOR,
)
"""look_back: of the funds' covariance; betas look back 120 days. Only rules with the joint model run it."""

JOBS: dict[str, AnalyticsJob] = {
    job.name: job
    for job in (
        PNL,
        SNAPSHOT,
        MARKET_VALUES,
        MARKET_BETA,
        PROVIDER_BETA,
        RATE_BETA,
        SPREAD_FACTORS,
        RIDGE_FACTORS,
        SECTOR,
        VOLATILITY,
        CORRELATIONS,
        STRESS,
        RISK,
    )
}
"""All jobs by name, in the order in which one needs another's figures."""


FUND_REASONS = frozenset(
    reason.code
    for reason in (
        MARKET_NO_BETAS,
        RATE_NO_BETAS,
        NO_ETF_DATA,
        NO_SPREAD_DATA,
        SPREAD_NO_POSITION_BETAS,
        NO_FACTOR_DATA,
        RIDGE_NO_POSITION_BETAS,
        FEW_LOTS,
    )
)
"""Codes of reasons that a factor fund without a close may be behind; the status then names the fund."""


def absent_funds(funds: Sequence[str], look_back: int) -> str:
    """Return the reason that names factor funds, in words.

    Args:
        funds: without a close in the look-back of the session.
        look_back: calendar days.
    """
    return f"no close of {', '.join(funds)} in the {look_back} days up to the session"


def meaning(job: str, reason: str) -> str:
    """Return a stored reason in words.

    Args:
        job: name of the job, as analytics_status stores it.
        reason: a code of the job; anything else is words already, as of a portfolio that was refused.
    """
    known = JOBS[job].reasons if job in JOBS else ()
    return next((str(one) for one in known if one.code == reason), reason)
