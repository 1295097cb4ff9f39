"""The rules in which the legacy batch and the right answer differ.

`Rules.legacy()` reproduces the legacy tables; `Rules.corrected()` gives the right figures. A
calculation takes the one rule that it needs as an argument. The numbers in brackets are those of
the legacy description's registers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, get_args, get_type_hints

from engine.core.errors import UsageError, nearest

ClosedLots = Literal["earn", "stop", "exact"]
RealizedGains = Literal["added", "replace"]
Membership = Literal["today", "session"]
Expiry = Literal["ignored", "settled"]
ZeroCloses = Literal["prices", "missing"]
PreviousClose = Literal["any_day", "session"]
PriceGaps = Literal["ten_days", "whole"]
Closes = Literal["adjusted", "quoted"]
PnlSince = Literal["prior_close", "previous_snapshot"]
Sectors = Literal["run_date", "every_session"]
OffSession = Literal["lost", "next_session"]
SyntheticPrefix = Literal["EQ", "none"]
Alignment = Literal["portfolio", "symbol", "common"]
RateWeights = Literal["absolute", "signed"]
StaleFigures = Literal["used", "refused"]
VolatilityWeights = Literal["net", "equity"]
LossFloor = Literal["net", "gross"]
UnmeasuredFactors = Literal["zero", "absent"]
FactorModel = Literal["separate", "joint"]
RateShocks = Literal["returns", "yields"]
Options = Literal["premium", "greeks"]
FactorCovariance = Literal["run_date", "session", "session_oas"]
UnshockedFactors = Literal["sum", "conditional"]
VolatilityForecast = Literal["daily_har", "mean_reverting"]
PercentileWindow = Literal["365_days", "400_days"]
UndefinedFigures = Literal["nan", "absent"]
EffectivePositions = Literal["lots", "weights"]
Clusters = Literal["none", "hierarchical"]
InconsistentRows = Literal["computed", "refused"]


@dataclass(frozen=True)
class Rules:
    """One field for each difference that is implemented.

    closed_lots: "earn": a lot has a daily P&L on and after its exit date as long as its quantity
        is not 0 [Q1]; "stop": from its exit date on it has none; "exact": it earns from its entry price
        to its exit price, each session's part in that session.
    realized_gains: the gain of a realized event is "added" to the daily P&L that the lot has had already;
        "replace": it replaces that of the part that was closed, and a lot has the quantity of the session:
        events after the session are added back.
    membership: figures of a session look at the lots that are open "today", and exposures leave out lots that
        were deleted since; or at the lots, with the quantities, that were held in the "session".
    expiry: an option's expiration_date is "ignored", or the option is "settled" on it: at its intrinsic
        value, or at its last price if the underlying has no close.
    zero_closes: closes of 0 are "prices" in P&L and exposures, or "missing", as for every other reader.
    previous_close: the P&L of a session starts from the newest close of "any_day" before it, so that closes
        of weekends and foreign holidays take a part of the move away; or from the newest close up to the
        previous "session".
    price_gaps: the move over a gap is booked if the gap has at most "ten_days", or "whole", when the price
        comes back.
    closes: values and P&L of the past come from closes that are "adjusted" for dividends, as regressions read
        them; or from closes as they were "quoted", adjusted for splits to the quantity of the lot, with
        dividends as income of the ex-date, where the store has both (`engine_raw_closes`,
        `engine_price_actions`).
    pnl_since: the P&L and cash of a session start after the "prior_close", or after the portfolio's
        "previous_snapshot", so that sessions that were left out are made up for.
    sectors: sector weights and concentration are those of the run date, from values before the session, with
        shorts added to longs; or of "every_session", from its values, with shorts below zero, a bucket for
        what has no sector, and the benchmark as of the session.
    off_session_cash: realized gains and capital flows dated on a day without a session are
        "lost" [Q5], or booked on the "next_session".
    synthetic_prefix: "EQ": symbols that begin with EQ are synthetic, EQIX and EQR among them:
        their positions are never marked and have no volatility [Q16], though P&L, exposures and
        regressions use their closes; "none": there is no such prefix.
    alignment: "portfolio": spread and ridge factors use the sessions in which every symbol of the
        portfolio with a price in the look-back has one, so that one gap or one new listing
        shortens the sample of all [02 §11: 4, 5]; "symbol": each symbol uses its own sessions;
        "common": closes are put on the sessions that the symbol and the funds share before returns are
        taken, so that a return over a gap meets one over the same days. Correlations then have the days of
        each pair, and a portfolio's volatility those of its symbols with 63 returns.
    rate_weights: lots enter the rate beta with their "absolute" value, so that shorts add to the
        sensitivity [02 §11: 7], or with their "signed" value.
    stale_figures: a volatility, beta, correlation or exposure whose newest observation is older than the
        session is "used" [03 §1.6], or "refused": a symbol without a close in the session has none, and
        counts as left out.
    volatility_weights: lots enter the portfolio's volatility with their value over the "net" value of all
        [03 §1.7], or over "equity"; lots without a value are then left out.
    loss_floor: a stress loss is at most 99 % of the "net" exposure, of 1 USD where that is not above 0,
        so that a net-short portfolio loses nothing [03 §4.3]; or of the "gross" exposure.
    unmeasured_factors: a factor of a scenario to which the portfolio's exposure could not be measured
        counts as "zero", with dollars of null or 0 replaced by net exposure x beta [03 §4.4]; or the
        scenario's figures are "absent": it has no result and a row of stress_test_gaps says why.
    factor_model: betas to the styles and to rates come from "separate" regressions, each of which holds
        the market again [02 §4.3, §4.5]; or from one "joint" regression of each symbol on the market and
        on what it does not explain of them (`engine.analytics.factors.joint`), so that they add up.
    rate_shocks: a scenario's change of yield multiplies the exposure to the "returns" of TLT, so that a
        bond book gains when rates rise [03 §4.4]; or the exposure to "yields": minus the duration of each
        lot, a fund's own (`engine_fund_durations`) or its rate beta x the duration of TLT.
    options: an option counts in betas, factors and volatility with its "premium" x 100 and the returns of its
        own price [02 §4.1]; or with its "greeks": the delta's dollars and the returns of its underlying.
        Stress then values it anew. An entry price of 0 is none: the option earns from its first close on.
    factor_covariance: stress reads the factor funds' correlations as of the "run_date", whatever the
        session [03 §4.2]; or their covariances as of the "session", shrunk as Ledoit and Wolf do, or as of
        the session by the oracle approximating shrinkage ("session_oas"), which supposes normal returns.
    unshocked_factors: in a correlated P&L every factor moves by the "sum" of shock x correlation, shocked
        ones too [T3]; or shocked factors move by their shock and the others by their "conditional"
        expectation given the shocks.
    volatility_forecast: expected_vol_21d is a "daily_har", the next day's abs(r) at a yearly rate, fitted by
        least squares [03 §1.4]; or "mean_reverting", the variance of the next 21 sessions: two thirds
        exponentially weighted, one third the mean of the look-back (`engine.numerics.forecasts`).
    percentile_window: a volatility's percentile needs 252 returns in "365_days", which hardly ever hold
        them [03 §1.5], or is over the last 252 returns in "400_days".
    undefined_figures: a correlation, R2 or p-value of a price that did not move, a correlation of under 30
        returns, and every summary with one of them, is "nan" [03 §2.5]; or it is "absent", null, and the
        other symbols keep their figures.
    effective_positions: the effective number of a correlation matrix counts "lots", each with the same
        weight [03 §2.7]; or symbols with the "weights" of their absolute values.
    clusters: "none": the tables of clusters stay empty and the concentration score is 0 [03 §2.8]; or they
        have the "hierarchical" clusters of each correlation matrix: average linkage over 1 - |rho|, cut at
        0.3.
    inconsistent_rows: a portfolio with a row whose columns contradict each other, such as a SHORT lot
        with a positive quantity, is "computed" from it, or "refused" (`engine.core.consistency`).
    """

    closed_lots: ClosedLots
    realized_gains: RealizedGains
    membership: Membership
    expiry: Expiry
    zero_closes: ZeroCloses
    previous_close: PreviousClose
    price_gaps: PriceGaps
    closes: Closes
    pnl_since: PnlSince
    sectors: Sectors
    off_session_cash: OffSession
    synthetic_prefix: SyntheticPrefix
    alignment: Alignment
    rate_weights: RateWeights
    stale_figures: StaleFigures
    volatility_weights: VolatilityWeights
    loss_floor: LossFloor
    unmeasured_factors: UnmeasuredFactors
    factor_model: FactorModel
    rate_shocks: RateShocks
    options: Options
    factor_covariance: FactorCovariance
    unshocked_factors: UnshockedFactors
    volatility_forecast: VolatilityForecast
    percentile_window: PercentileWindow
    undefined_figures: UndefinedFigures
    effective_positions: EffectivePositions
    clusters: Clusters
    inconsistent_rows: InconsistentRows

    @classmethod
    def legacy(cls) -> Rules:
        """Return the rules of the legacy batch, which reproduce its tables digit for digit."""
        return cls(
            closed_lots="earn",
            realized_gains="added",
            membership="today",
            expiry="ignored",
            zero_closes="prices",
            previous_close="any_day",
            price_gaps="ten_days",
            closes="adjusted",
            pnl_since="prior_close",
            sectors="run_date",
            off_session_cash="lost",
            synthetic_prefix="EQ",
            alignment="portfolio",
            rate_weights="absolute",
            stale_figures="used",
            volatility_weights="net",
            loss_floor="net",
            unmeasured_factors="zero",
            factor_model="separate",
            rate_shocks="returns",
            options="premium",
            factor_covariance="run_date",
            unshocked_factors="sum",
            volatility_forecast="daily_har",
            percentile_window="365_days",
            undefined_figures="nan",
            effective_positions="lots",
            clusters="none",
            inconsistent_rows="computed",
        )

    @classmethod
    def corrected(cls) -> Rules:
        """Return the rules that give the right figures."""
        return cls(
            closed_lots="exact",
            realized_gains="replace",
            membership="session",
            expiry="settled",
            zero_closes="missing",
            previous_close="session",
            price_gaps="whole",
            closes="quoted",
            pnl_since="previous_snapshot",
            sectors="every_session",
            off_session_cash="next_session",
            synthetic_prefix="none",
            alignment="common",
            rate_weights="signed",
            stale_figures="refused",
            volatility_weights="equity",
            loss_floor="gross",
            unmeasured_factors="absent",
            factor_model="joint",
            rate_shocks="yields",
            options="greeks",
            factor_covariance="session",
            unshocked_factors="conditional",
            volatility_forecast="mean_reverting",
            percentile_window="400_days",
            undefined_figures="absent",
            effective_positions="weights",
            clusters="hierarchical",
            inconsistent_rows="refused",
        )

    @classmethod
    def parse(cls, text: str) -> Rules:
        """Return the rules that a command line or a configuration names.

        Args:
            text: a set, `legacy` or `corrected`, then single rules that depart from it, with commas
                between: `legacy,rate_weights=signed`. Without a set they depart from `legacy`.

        Raises:
            UsageError: an unknown set, rule or value, or a rule that is given twice.

        >>> Rules.parse("legacy,rate_weights=signed") == replace(Rules.legacy(), rate_weights="signed")
        True
        """
        words = [word.strip() for word in text.split(",")]
        rules = cls.legacy()
        if "=" not in words[0]:
            name = words.pop(0)
            if name not in SETS:
                raise UsageError(f"there is no set of rules '{name}'{nearest(name, SETS)}")
            rules = getattr(cls, name)()
        chosen = [word.partition("=") for word in words]
        for name, _, value in chosen:
            _check(name.strip(), value.strip())
        if len({name.strip() for name, _, _ in chosen}) < len(chosen):
            raise UsageError(f"'{text}' gives a rule twice")
        changes: dict[str, Any] = {name.strip(): value.strip() for name, _, value in chosen}
        return replace(rules, **changes)

    @classmethod
    def from_record(cls, record: Mapping[str, str]) -> Rules:
        """Return the rules that a store has recorded; a rule that the record lacks has its legacy value.

        An unknown rule or value, written by a newer engine, raises `UsageError`.

        Args:
            record: values by the names of rules.
        """
        for name, value in record.items():
            _check(name, value)
        changes: dict[str, Any] = dict(record)
        return replace(cls.legacy(), **changes)

    @property
    def record(self) -> dict[str, str]:
        """The value of every rule, by name."""
        return dict(vars(self))

    def among(self, values: Mapping[str, Sequence[str]]) -> bool:
        """Return whether some rules have one of their values each.

        Args:
            values: by rule.
        """
        return all(self.record[rule] in some for rule, some in values.items())

    def differences(self, other: Rules) -> list[str]:
        """Return the names of the rules in which two sets differ.

        Args:
            other: rules of another run or store.
        """
        others = other.record
        return [name for name, value in self.record.items() if value != others[name]]

    def __str__(self) -> str:
        """Return the shortest text that `parse` takes: the nearer set, and the rules that depart from it."""
        name = min(SETS, key=lambda name: len(self.differences(getattr(Rules, name)())))
        departures = self.differences(getattr(Rules, name)())
        return ",".join([name, *(f"{rule}={self.record[rule]}" for rule in departures)])


SETS = ("legacy", "corrected")
"""The sets of rules that have a name, each a class method of `Rules`."""


@cache
def _choices() -> dict[str, tuple[str, ...]]:
    """Return the values of each rule."""
    return {name: get_args(values) for name, values in get_type_hints(Rules).items()}


def _check(name: str, value: str) -> None:
    """Raise a UsageError unless there is such a rule with such a value."""
    choices = _choices()
    if name not in choices:
        raise UsageError(f"there is no rule '{name}'{nearest(name, choices)}")
    values = choices[name]
    if value not in values:
        raise UsageError(f"rule {name} has no value '{value}': it is one of {', '.join(values)}")
