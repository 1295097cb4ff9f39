"""What the spread and the ridge factors share: from each lot's betas to each portfolio's."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import polars as pl

from engine.analytics.factors.lots import FundCoverage, Model, factor_frames, style_betas
from engine.analytics.job_result import Outcome
from engine.analytics.job_status import judge
from engine.analytics.portfolio_sums import STOCK, exposure_rows, group_lots
from engine.analytics.positions.lots import Lots, Portfolios
from engine.analytics.price_panel import Panel
from engine.core.frames import coded
from engine.core.job_catalog import NO_PUBLIC_POSITIONS, Reason
from engine.core.rules import Alignment
from engine.numerics.arrays import Bools, Floats

QUALITY = "full_history"
"""The one flag there is: a fit on fewer sessions is not made (document 02 §4.4)."""


def style_factors(
    panel: Panel,
    lots: Lots,
    portfolios: Portfolios,
    dates: pl.Series,
    factor_ids: Mapping[str, str],
    alignment: Alignment,
    model: Model,
    gates: Callable[[FundCoverage], dict[Reason, Bools]],
    no_betas: Reason,
) -> Outcome:
    """Betas of the open PUBLIC lots of type LONG and SHORT, soft-deleted ones too.

        beta_pf = sum_i beta_if (V_i / E)

    over the lots i that have a beta to factor f; V_i their signed values and E the equity, both
    in USD as stored. Source: document 02 §4.4 and §4.5; betas by
    `engine.analytics.factors.lots`.

    Args:
        dates: [D] the window's sessions.
        factor_ids: by name, of the active definitions; other factors are left out of the rows,
            and the job succeeds all the same.
        gates: from what prices there are of the funds, what ends the job for a whole session:
            [D] by reason.
        no_betas: the reason of a portfolio of which no lot has a beta.

    Returns:
        position_factor_exposures, factor_exposures.
    """
    lots = lots.where(STOCK)
    groups = group_lots(lots, portfolios)
    frames, coverage = factor_frames(panel, model)
    betas = style_betas(panel, lots, model, frames, alignment)
    fitted = ~np.isnan(betas)
    verdict = judge(
        model.job,
        groups,
        portfolios,
        np.asarray(fitted.any(axis=1)),
        no_lots=NO_PUBLIC_POSITIONS,
        no_betas=no_betas,
        further={reason: holds[:, None] for reason, holds in gates(coverage).items()},
    )
    ids = [factor_ids.get(factor) for factor in model.factors]
    coded_ids = pl.Series("factor_id", ids, dtype=pl.Enum(sorted(set(factor_ids.values()))))
    written = fitted & verdict.done[:, None, groups.owner]
    equity = np.where(portfolios.equity > 0, portfolios.equity, np.nan)
    weight = (lots.value / equity[groups.owner]).T
    totals = groups.sum(np.where(written, betas * weight[:, None], 0.0))
    return Outcome(
        tables={
            "position_factor_exposures": _position_rows(lots, dates, coded_ids, betas, written),
            "factor_exposures": exposure_rows(portfolios, dates, ids, totals, groups.tally(written) > 0),
        },
        status=verdict.status(portfolios, dates),
    )


def _position_rows(
    lots: Lots, dates: pl.Series, factor_ids: pl.Series, betas: Floats, written: Bools
) -> pl.DataFrame:
    known = factor_ids.is_not_null().to_numpy()
    session, factor, lot = np.nonzero(written & known[:, None])
    return pl.DataFrame(
        [
            lots.frame["portfolio_id"][lot],
            coded(lots.frame["position_id"])[lot],
            factor_ids[factor],
            dates[session].alias("calculation_date"),
            pl.Series("exposure_value", betas[session, factor, lot]),
        ]
    ).with_columns(quality_flag=pl.lit(QUALITY))
