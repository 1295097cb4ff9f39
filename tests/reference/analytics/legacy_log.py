"""What the legacy jobs said (run/*.jobs.jsonl), and what an outcome should say."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .results import JobResult

INVALID_EQUITY = {
    "Provider Beta (1Y)": "Invalid portfolio equity balance",
    "IR Beta": "Invalid portfolio equity balance",
    "Spread Factors": "has invalid equity_balance",
    "Ridge Factors": "has invalid equity_balance",
}
FAILURES = {
    ("Provider Beta (1Y)", "no_position_betas"): "No positions have provider beta data",
    ("IR Beta", "no_position_betas"): "No position IR betas could be calculated",
    (
        "Volatility Analytics",
        "no_position_volatilities",
    ): "No position volatilities calculated",
    (
        "Volatility Analytics",
        "no_portfolio_volatility",
    ): "Failed to compute portfolio-level volatility.",
}


@dataclass(frozen=True)
class Said:
    """One line of the log."""

    success: bool
    message: str
    failures: dict[str, str] = field(default_factory=dict)
    processed: int | None = None


def said_of(line: dict[str, Any]) -> Said:
    """A log line without its texts that name a position."""
    details = line["details"] or {}
    reasons = {f["position_id"]: f["reason"] for f in details.get("failure_reasons") or []}
    return Said(
        line["success"],
        line["message"] or "",
        reasons,
        details.get("positions_processed"),
    )


def read_log(folder: Path) -> dict[tuple[str, dt.date, str], Said]:
    """By (portfolio, date, job); the lines on whole dates are left out."""
    (path,) = folder.glob("*.jobs.jsonl")
    lines = [json.loads(text) for text in path.read_text().splitlines()]
    return {
        (line["portfolio"], dt.date.fromisoformat(line["date"]), line["job"]): said_of(line)
        for line in lines
        if line["job"] != "__date__"
    }


def expected_message(result: JobResult) -> str:
    """The text that the log must contain for an outcome.

    Source: 02 §1.6, §8; 03 §1.8, §4.6.
    """
    job, reason = result.outcome.job, result.outcome.reason
    if result.outcome.status == "ok" or job == "Correlations":
        return ""
    if result.outcome.status == "skipped":
        return f"kipped: {reason}"
    if job == "Market Beta (90D)":
        return "Job returned falsy result"
    return INVALID_EQUITY[job] if reason == "invalid_equity" else FAILURES[job, str(reason)]


def disagreement(result: JobResult, said: Said) -> str | None:
    """How an outcome differs from the log; None when it agrees."""
    expected = expected_message(result)
    agrees = said.success == (result.outcome.status != "failed")
    agrees &= expected in said.message if expected else not said.message
    if result.outcome.job == "Volatility Analytics" and result.outcome.status != "skipped":
        agrees &= (result.failures, result.positions_used) == (
            said.failures,
            said.processed,
        )
    return None if agrees else f"{result.outcome} {result.failures}: the log has {said}"
