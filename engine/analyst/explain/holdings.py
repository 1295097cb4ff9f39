"""Exposures of a portfolio that scenarios shock: of its factors, and to rates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from engine.analyst.explain.case import Case, PositionLot, Row
from engine.analyst.explain.factor_moves import duration
from engine.analyst.explain.replays import computed
from engine.analyst.explain.working import table
from engine.analytics.factors.definitions import JOB_FACTORS
from engine.analytics.stress.scenarios import RATE_SHOCK
from engine.analytics.stress.stress_exposures import HELD_AS
from engine.core.funds import RATE_FUND
from engine.core.job_catalog import EXPOSURE_ROWS, RATE_BETA_DAYS

HELD = {"factor": pl.String, "exposure": pl.Float64, "of": pl.Date, "source": pl.String}
RATE_LOTS = {
    "symbol": pl.String,
    "sensitivity": pl.Float64,
    "of": pl.Date,
    "value": pl.Float64,
    "source": pl.String,
}


@dataclass(frozen=True)
class Holdings:
    """Exposures that scenarios shock.

    Attributes:
        dollars: Exposure in USD by factor; of the measured ones under the rule "absent".
        rates: Exposure to rates in USD, None if no lot has a rate beta.
        base: USD; a loss is at most 99 % of it.
        held: Rows behind `dollars`.
        lots: Rows behind `rates`.
    """

    dollars: dict[str, float]
    rates: float | None
    base: float
    held: pl.DataFrame
    lots: pl.DataFrame

    def exposure(self, shocked: str) -> float | None:
        """Return the exposure in USD to a shocked factor, None if there is none to rates."""
        return self.rates if shocked == RATE_SHOCK else self.dollars.get(HELD_AS.get(shocked, shocked), 0.0)


def holdings(case: Case) -> Holdings:
    """Return the newest exposure to each factor among the portfolio's newest 50 rows."""
    return case.once(("holdings",), lambda: _holdings(case))


def _holdings(case: Case) -> Holdings:
    names = {number: name for name, number in case.factors.items()}
    jobs = {name: job for job, factors in enumerate(JOB_FACTORS) for name in factors}
    rows = case.stored["factor_exposures"].to_dicts()
    # Of one day in the order in which they were written; under one stamp job by job, and then by id.
    rows.sort(
        key=lambda row: (
            -row["calculation_date"].toordinal(),
            row["created_at"],
            jobs.get(names.get(row["factor_id"], ""), len(jobs)),
            row["factor_id"],
        )
    )
    net = float(case.money("net_exposure"))
    base = net if net > 0 else 1.0
    absent = case.rules.unmeasured_factors == "absent"
    held: dict[str, tuple[object, ...]] = {}
    dollars: dict[str, float] = {}
    seen: set[str] = set()
    for row in rows[:EXPOSURE_ROWS]:
        name, stored = names.get(row["factor_id"]), row["exposure_dollar"]
        old = case.rules.stale_figures == "refused" and row["calculation_date"] != case.day
        if name is None or name in seen or old:
            continue
        seen.add(name)
        if not (absent and stored is None):
            dollars[name] = float(stored) if stored or absent else base * float(row["exposure_value"])
            source = (
                "exposure_dollar" if stored or absent else f"exposure_value {row['exposure_value']} x {base}"
            )
            held[name] = (name, dollars[name], row["calculation_date"], f"factor_exposures: {source}")
    if case.rules.loss_floor == "gross":
        base = float(case.money("gross_exposure"))
    return Holdings(dollars, rates(case)[0], base, table(HELD, held.values()), rates(case)[1])


def rates(case: Case) -> tuple[float | None, pl.DataFrame]:
    """Return the exposure to rates in USD from stored rate betas and durations, and its lots."""
    equity = float(case.money("equity_balance"))
    terms, total = [], 0.0
    for lot in case.lots:
        sensitivity = _sensitivity(case, lot)
        if not lot.live or sensitivity is None or not equity > 0 or not case.valued(lot):
            continue
        size, of, source = sensitivity
        value = float(case.recomputed(lot))
        value = value if case.rules.rate_weights == "signed" else abs(value)
        total += size * (value / equity)
        terms.append((lot.symbol, size, of, value, source))
    return (equity * total if terms else None), table(RATE_LOTS, terms)


def _sensitivity(case: Case, lot: PositionLot) -> tuple[float, date, str] | None:
    """Return a lot's beta to TLT, or under the rule "yields" minus its duration; its day and its source."""
    row = _rate_betas(case).get(lot.id)
    if case.rules.rate_shocks == "returns":
        return None if row is None else (float(row["ir_beta"]), row["calculation_date"], "ir_beta")
    own = duration(case, lot.symbol, case.day) if lot.public else None
    if own is not None:
        return -own[1], own[0], f"-duration of {lot.symbol}"
    long = duration(case, RATE_FUND, case.day)
    if row is None or long is None:
        return None
    source = f"-ir_beta {row['ir_beta']} x duration of {RATE_FUND} {long[1]} of {long[0]}"
    return -float(row["ir_beta"]) * long[1], row["calculation_date"], source


def _rate_betas(case: Case) -> dict[str, Row]:
    """Return the newest rate beta of each lot in the last seven days, by position."""
    rows = case.stored["position_interest_rate_betas"].filter(pl.col("calculation_date") >= _oldest(case))
    newest = rows.sort("calculation_date").iter_rows(named=True)
    return case.once(("rate betas",), lambda: {row["position_id"]: row for row in newest})


def _oldest(case: Case) -> date:
    """Return the day of the oldest rate beta that counts."""
    return case.day - timedelta(days=0 if case.rules.stale_figures == "refused" else RATE_BETA_DAYS)


def lots_with_rates(case: Case) -> list[PositionLot]:
    """Return the open lots with a sensitivity to rates."""
    if not case.money("equity_balance") > 0:
        return []
    valued = [lot for lot in case.lots if lot.live and case.valued(lot)]
    return [lot for lot in valued if _sensitivity(case, lot) is not None]


def without_exposure(case: Case) -> list[str]:
    """Return the shocked factors to which the portfolio has no exposure."""
    shocked = {name for one in computed(case) for name in one.shocks}
    held = holdings(case)
    known = {*held.dollars, *([] if held.rates is None else [RATE_SHOCK])}
    return sorted(name for name in shocked if HELD_AS.get(name, name) not in known)
