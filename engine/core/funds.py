"""The funds whose prices stand for the market, rates and styles, and the benchmark of sectors."""

from __future__ import annotations

MARKET_FUND = "SPY"
RATE_FUND = "TLT"
FUND_FACTORS = {
    MARKET_FUND: "Market",
    "VTV": "Value",
    "VUG": "Growth",
    "MTUM": "Momentum",
    "QUAL": "Quality",
    "IWM": "Size",
    "USMV": "Low Volatility",
    RATE_FUND: "Interest Rate",
}
"""The factor of each factor fund, in the order of the legacy correlation matrix (document 02 §2.5)."""
FACTOR_FUNDS = tuple(FUND_FACTORS)
STYLE_FUNDS = {
    factor: fund for fund, factor in sorted(FUND_FACTORS.items()) if fund not in (MARKET_FUND, RATE_FUND)
}
"""The fund of each style, in the order of the ridge regression's columns: by fund."""
SPREAD_FUNDS = {
    "Growth-Value Spread": ("VUG", "VTV"),
    "Momentum Spread": ("MTUM", MARKET_FUND),
    "Size Spread": ("IWM", MARKET_FUND),
    "Quality Spread": ("QUAL", MARKET_FUND),
}
"""Long and short fund of each spread (document 02 §4.4)."""
BENCHMARK = "SP500"
"""The index whose sector weights the sector job needs, as benchmarks_sector_weights spells it."""
FUNDS_OF_JOBS = {
    "market_beta": (MARKET_FUND,),
    "rate_beta": (RATE_FUND,),
    "spread_factors": tuple(dict.fromkeys(fund for pair in SPREAD_FUNDS.values() for fund in pair)),
    "ridge_factors": tuple(STYLE_FUNDS.values()),
}
"""The factor funds without whose closes a job has no figures, or fewer."""
OF_JOINT_MODEL = ("rate_beta", "ridge_factors")
"""Jobs that need the market's fund too, where one model has the market, the styles and the rates."""


def funds_of_job(job: str, factor_model: str) -> tuple[str, ...]:
    """Return the factor funds that a job needs; none for a job of no factor.

    Args:
        job: Its name.
        factor_model: "separate" or "joint"; see `engine.core.rules.Rules`.
    """
    funds = FUNDS_OF_JOBS.get(job, ())
    return (MARKET_FUND, *funds) if factor_model == "joint" and job in OF_JOINT_MODEL else funds
