"""Tables of figures that the engine adds: unrounded P&L, returns, risk, forecasts and their tests."""

from __future__ import annotations

from collections.abc import Mapping

from engine.core.schema.kinds import (
    BOOLEAN,
    DATE,
    INTEGER,
    LEVEL,
    MONEY,
    UUID,
    Column,
    Table,
    columns_alike,
    numeric,
    row_id,
    varchar,
)

GRAINS = numeric(30, 8)
"""Unrounded USD: quantities of 4 decimals times prices of 4 decimals."""


def _own_table(
    name: str,
    comment: str,
    job: str,
    columns: tuple[Column, ...],
    key: tuple[str, ...],
    indexes: Mapping[str, tuple[str, ...]] | None = None,
) -> Table:
    """Return a table of a job's figures by session that the legacy database does not have."""
    return Table(
        name=name,
        role="output",
        legacy=False,
        since="2",
        comment=comment,
        jobs=(job,),
        columns=(row_id(), *columns),
        key=key,
        date="calculation_date",
        owner="portfolio_id",
        unique={f"uq_{name}": key},
        indexes=indexes or {},
    )


ENGINE_LOT_PNL = _own_table(
    "engine_lot_pnl",
    "Each lot's life and unrounded P&L in each session while it is held. "
    "Only with closed_lots=exact or realized_gains=replace.",
    "pnl",
    columns=(
        Column("portfolio_id", UUID),
        Column("position_id", UUID),
        Column("calculation_date", DATE),
        Column("life", varchar(20), unit="open, closed, expired, deleted or refused, after the session"),
        Column("quantity", numeric(16, 4), unit="shares or contracts after the session, negative when short"),
        Column("pnl", GRAINS, unit="USD, unrounded"),
        Column("income", GRAINS, unit="USD, unrounded: events of quantity 0, dividends"),
        Column("notice", varchar(40), "nothing to report", "why the lot was not taken as it is"),
    ),
    key=("position_id", "calculation_date"),
    indexes={"ix_engine_lot_pnl_portfolio_date": ("portfolio_id", "calculation_date")},
)

ENGINE_PORTFOLIO_PNL = _own_table(
    "engine_portfolio_pnl",
    "Unrounded P&L and equity of each portfolio and session, from which the next one starts. "
    "Only with closed_lots=exact or realized_gains=replace.",
    "pnl",
    columns=(
        Column("portfolio_id", UUID),
        Column("calculation_date", DATE),
        Column("pnl", GRAINS, unit="USD, unrounded"),
        Column("cumulative_pnl", GRAINS, unit="USD, unrounded"),
        Column("equity", GRAINS, unit="USD, unrounded"),
    ),
    key=("portfolio_id", "calculation_date"),
)

ENGINE_SECTOR_EXPOSURES = _own_table(
    "engine_sector_exposures",
    "Long, short and net value of each sector in each session, by sectors=every_session.",
    "sector",
    columns=(
        Column("portfolio_id", UUID),
        Column("calculation_date", DATE),
        Column("sector", varchar(100)),
        Column("long_value", MONEY, unit="USD"),
        Column("short_value", MONEY, unit="USD, not above 0"),
        Column("net_value", MONEY, unit="USD"),
        Column("weight", numeric(12, 6), unit="net value as a fraction of equity"),
        Column(
            "benchmark_weight",
            numeric(12, 6),
            "the benchmark's newest weights up to the session lack the sector",
            "fraction",
        ),
    ),
    key=("portfolio_id", "calculation_date", "sector"),
)

NO_GREEKS = "the option has none, see status"
ENGINE_OPTION_GREEKS = _own_table(
    "engine_option_greeks",
    "Sensitivities of each option in each session, by options=greeks.",
    "market_beta",
    columns=(
        Column("portfolio_id", UUID),
        Column("position_id", UUID),
        Column("calculation_date", DATE),
        Column("status", varchar(20), unit="code"),
        Column("underlying_price", numeric(12, 4), "no close of the underlying", "USD"),
        Column("volatility", numeric(10, 6), NO_GREEKS, "fraction a year"),
        Column("volatility_source", varchar(12), NO_GREEKS, "implied or history"),
        Column("rate", numeric(8, 6), "no stored rate: 0", "fraction a year, continuous"),
        Column("price", numeric(12, 4), NO_GREEKS, "USD a share, of the model"),
        *columns_alike(numeric(14, 8), NO_GREEKS, "a share", "delta", "gamma"),
        *columns_alike(numeric(14, 6), NO_GREEKS, "USD a share and year", "theta"),
        *columns_alike(numeric(14, 6), NO_GREEKS, "USD a share, for a change of 1", "vega", "rho"),
        Column("delta_dollars", MONEY, NO_GREEKS, "USD"),
        Column("gamma_dollars", MONEY, NO_GREEKS, "USD of delta for a move of 1 %"),
    ),
    key=("position_id", "calculation_date"),
    indexes={"ix_engine_option_greeks_portfolio_date": ("portfolio_id", "calculation_date")},
)

RETURN = numeric(20, 10)
ENGINE_RETURNS = _own_table(
    "engine_returns",
    "Time- and money-weighted return of each portfolio over horizons that end with a session. "
    "Only with closed_lots=exact or realized_gains=replace.",
    "pnl",
    columns=(
        Column("portfolio_id", UUID),
        Column("calculation_date", DATE),
        Column("horizon", varchar(12), unit="day, month, quarter, year or since_start"),
        Column("start_date", DATE, unit="the session whose equity the horizon starts from"),
        Column(
            "time_weighted", RETURN, "an equity that is divided by is not above 0", "fraction, not annualised"
        ),
        Column(
            "money_weighted",
            RETURN,
            "the first equity is not above 0, or no rate fits the flows",
            "fraction, not annualised",
        ),
    ),
    key=("portfolio_id", "calculation_date", "horizon"),
)

STATISTIC = numeric(20, 10)
NO_LATER_FORECAST = "the session before has no forecast"
VAR_COLUMNS = (
    Column("portfolio_id", UUID),
    Column("calculation_date", DATE),
    Column("method", varchar(12), unit="historical or model"),
    Column("level", INTEGER, unit="percent: 95 or 99"),
)
VAR_KEY = tuple(column.name for column in VAR_COLUMNS)

ENGINE_VALUE_AT_RISK = _own_table(
    "engine_value_at_risk",
    "Loss of each portfolio's next session that is exceeded with probability 1 - level, and whether the "
    "session's own loss exceeded the forecast of the session before. Corrected rules only.",
    "volatility",
    columns=(
        *VAR_COLUMNS,
        Column("value_at_risk", MONEY, "no forecast: too few returns, or no equity above 0", "USD, a loss"),
        Column("expected_shortfall", MONEY, "no forecast", "USD, a loss"),
        Column("observations", INTEGER, "by the model", "returns"),
        Column("exceeded", BOOLEAN, NO_LATER_FORECAST),
    ),
    key=VAR_KEY,
)

ENGINE_VAR_TESTS = _own_table(
    "engine_var_tests",
    "Backtests of each portfolio's value at risk over up to 250 sessions. Corrected rules only.",
    "volatility",
    columns=(
        *VAR_COLUMNS,
        Column("sessions", INTEGER, unit="with a forecast of the session before, at most 250"),
        Column("exceptions", INTEGER, unit="sessions whose loss exceeded it"),
        Column("kupiec", STATISTIC, unit="likelihood ratio of their number, chi-square of 1 degree"),
        Column("kupiec_p", STATISTIC, unit="p-value"),
        Column("christoffersen", STATISTIC, "no exception has a session after it", "ratio of their runs"),
        Column("christoffersen_p", STATISTIC, "no exception has a session after it", "p-value"),
        Column("joint_p", STATISTIC, "no exception has a session after it", "p-value of both, 2 degrees"),
        Column("zone", varchar(8), unit="green, yellow or red, by the Basel Committee"),
    ),
    key=VAR_KEY,
)

ENGINE_FORECAST_SCORES = _own_table(
    "engine_forecast_scores",
    "Each stored forecast of a volatility, scored in the session that ends its 21. Corrected rules only.",
    "volatility",
    columns=(
        Column("portfolio_id", UUID),
        Column("calculation_date", DATE, unit="the session that ends the horizon"),
        Column("symbol", varchar(100), unit="whose volatility; empty: the portfolio's own"),
        Column("forecast_date", DATE, unit="the session that made the forecast"),
        Column("forecast", LEVEL, unit="fraction a year, as it was stored"),
        Column("realized", STATISTIC, unit="fraction a year: root of 252 x the mean squared return"),
        Column("qlike", STATISTIC, "the forecast or what came is 0", "loss, at least 0"),
    ),
    key=("portfolio_id", "calculation_date", "symbol"),
)

TOO_FEW_SCORES = "fewer than 10 scores, or forecasts that are all the same"
ENGINE_FORECAST_TESTS = _own_table(
    "engine_forecast_tests",
    "Regressions of what came on what was forecast, after Mincer and Zarnowitz. Corrected rules only.",
    "volatility",
    columns=(
        Column("portfolio_id", UUID),
        Column("calculation_date", DATE),
        Column(
            "subject", varchar(12), unit="portfolio: its last 252 scores; positions: the session's scores"
        ),
        Column("scores", INTEGER, unit="forecasts"),
        Column("qlike", STATISTIC, "no score has one", "mean loss"),
        Column("sum_ratio", STATISTIC, "nothing moved", "forecast variances over those that came"),
        Column("intercept", STATISTIC, TOO_FEW_SCORES, "variance a day"),
        Column("slope", STATISTIC, TOO_FEW_SCORES, "ratio"),
        Column("r_squared", STATISTIC, TOO_FEW_SCORES, "fraction"),
    ),
    key=("portfolio_id", "calculation_date", "subject"),
)

ENGINE_PNL_ATTRIBUTION = _own_table(
    "engine_pnl_attribution",
    "Parts of each portfolio's daily P&L, which add up to it: factors, specific and residual. "
    "Corrected rules only.",
    "ridge_factors",
    columns=(
        Column("portfolio_id", UUID),
        Column("calculation_date", DATE),
        Column("component", varchar(20), unit="a factor, specific or residual"),
        Column("amount", MONEY, unit="USD"),
    ),
    key=("portfolio_id", "calculation_date", "component"),
)

ENGINE_POSITION_ATTRIBUTION = _own_table(
    "engine_position_attribution",
    "Parts of each lot's unrounded P&L and income, which add up to them; no row where all are 0. "
    "Corrected rules only.",
    "ridge_factors",
    columns=(
        Column("portfolio_id", UUID),
        Column("position_id", UUID),
        Column("calculation_date", DATE),
        *(
            Column(name, GRAINS, unit="USD, unrounded")
            for name in (
                *("market", "value", "growth", "momentum", "quality", "size", "low_volatility"),
                *("interest_rate", "specific", "residual"),
            )
        ),
    ),
    key=("position_id", "calculation_date"),
    indexes={"ix_engine_position_attribution_portfolio_date": ("portfolio_id", "calculation_date")},
)

FINE = numeric(20, 14)
"""Contributions add up at 1e-12: of so many digits a hundred rows miss their sum by 5e-13."""
ENGINE_RISK = _own_table(
    "engine_risk",
    "Predicted volatility of each portfolio by the joint model. Corrected rules only.",
    "risk",
    columns=(
        Column("portfolio_id", UUID),
        Column("calculation_date", DATE),
        *columns_alike(
            FINE, None, "fraction of equity a year", "volatility", "factor_volatility", "specific_volatility"
        ),
        Column("factor_share", FINE, unit="fraction of the variance that the factors make"),
    ),
    key=("portfolio_id", "calculation_date"),
)

ENGINE_FACTOR_RISK = _own_table(
    "engine_factor_risk",
    "Contribution of each factor, and of all specific moves, to the predicted volatility: they add up to it. "
    "Corrected rules only.",
    "risk",
    columns=(
        Column("portfolio_id", UUID),
        Column("calculation_date", DATE),
        Column("factor", varchar(20), unit="a factor, or specific"),
        Column("exposure", FINE, "specific", "the portfolio's beta"),
        Column("volatility", FINE, unit="fraction a year, of the factor; of the specific part of equity"),
        Column("marginal", FINE, "specific", "change of the volatility with the exposure"),
        Column("contribution", FINE, unit="fraction of equity a year"),
        Column("share", FINE, unit="contribution over volatility"),
    ),
    key=("portfolio_id", "calculation_date", "factor"),
)

ENGINE_POSITION_RISK = _own_table(
    "engine_position_risk",
    "Contribution of each position to the predicted volatility: they add up to it. Corrected rules only.",
    "risk",
    columns=(
        Column("portfolio_id", UUID),
        Column("position_id", UUID),
        Column("calculation_date", DATE),
        Column("weight", FINE, unit="value over equity, of an option its delta's; negative when short"),
        Column("marginal", FINE, unit="change of the volatility with the weight"),
        *columns_alike(
            FINE,
            None,
            "fraction of equity a year",
            "contribution",
            "factor_contribution",
            "specific_contribution",
        ),
        Column("share", FINE, unit="contribution over volatility"),
    ),
    key=("position_id", "calculation_date"),
    indexes={"ix_engine_position_risk_portfolio_date": ("portfolio_id", "calculation_date")},
)

OWN_FIGURES = (
    ENGINE_LOT_PNL,
    ENGINE_PORTFOLIO_PNL,
    ENGINE_SECTOR_EXPOSURES,
    ENGINE_OPTION_GREEKS,
    ENGINE_RETURNS,
    ENGINE_VALUE_AT_RISK,
    ENGINE_VAR_TESTS,
    ENGINE_FORECAST_SCORES,
    ENGINE_FORECAST_TESTS,
    ENGINE_PNL_ATTRIBUTION,
    ENGINE_POSITION_ATTRIBUTION,
    ENGINE_RISK,
    ENGINE_FACTOR_RISK,
    ENGINE_POSITION_RISK,
)
