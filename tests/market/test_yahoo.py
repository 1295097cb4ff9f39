"""The Yahoo provider against the loopback server, with the real yfinance and curl: each failure."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import islice
from threading import Thread

import pytest

from loaders.market import Answer, PriceRequest, Prices, RequestOutcome, RequestPolicy
from loaders.yahoo import Yahoo
from loaders.yahoo.client import ignore_yfinance_warnings
from tests.market.server import CHART, CRUMB, FaultKind, YahooServer
from tests.market.world import Listing, invented

START, END = date(2025, 1, 2), date(2025, 6, 30)
SESSIONS = 122
"""Of the New York exchange in that span: 20, 19, 21, 21, 21 and 20 a month."""
QUICK = RequestPolicy(rate=500, in_flight=4, backoff=0.02, pause=0.1, longest=0.4)
SHORT_TIMEOUT, LATE = 3.0, 30.0
"""Seconds: only requests that the server answers so late are to time out, on a busy machine too."""
HANG_SECONDS = 120
"""A thread that has not ended by then hangs."""


@pytest.fixture
def provider(yahoo: YahooServer) -> Iterator[Yahoo]:
    with Yahoo(QUICK) as opened:
        yield opened


def listed(yahoo: YahooServer, *symbols: str) -> None:
    for symbol in symbols:
        yahoo.world.add(invented(symbol, date(2024, 1, 2), END))


def fetch(provider: Yahoo, *symbols: str) -> dict[str, Answer[Prices]]:
    requests = (PriceRequest(symbol, START, END) for symbol in symbols)
    return {answer.symbol: answer for answer in provider.prices(requests)}


def test_prices_have_raw_and_adjusted_closes_and_actions(yahoo: YahooServer, provider: Yahoo) -> None:
    days = [date(2025, 6, day) for day in (9, 10, 11, 12)]
    dividends, splits = {date(2025, 6, 12): 2.0}, {date(2025, 6, 11): 2.0}
    yahoo.world.add(Listing("AAA", days, [100.0, 110.0, 56.0, 50.0], dividends, splits, exchange="NMS"))
    prices = fetch(provider, "AAA")["AAA"].data
    assert prices is not None
    # The split halves closes before the 11th; the dividend takes 2 / 56 off closes before the 12th.
    assert prices.bars["close"].to_list() == [50.0, 55.0, 56.0, 50.0]
    factor = 1 - 2 / 56
    assert prices.bars["adjusted_close"].to_list() == pytest.approx(
        [50 * factor, 55 * factor, 56 * factor, 50.0]
    )
    assert prices.actions.rows() == [(days[2], "split", 2.0), (days[3], "dividend", 2.0)]
    assert (prices.exchange, prices.currency, prices.listed) == ("NMS", "USD", days[0])


def test_a_symbol_costs_one_request(yahoo: YahooServer, provider: Yahoo) -> None:
    listed(yahoo, *"ABCDEF")
    answers = fetch(provider, *"ABCDEF")
    assert {answer.data.bars.height for answer in answers.values() if answer.data} == {SESSIONS}
    assert yahoo.counted() == dict.fromkeys("ABCDEF", 1)
    assert yahoo.counted(CRUMB).total() == 1


def test_a_dotted_symbol_is_asked_for_with_a_hyphen(yahoo: YahooServer, provider: Yahoo) -> None:
    listed(yahoo, "BRK-B")
    assert fetch(provider, "BRK.B")["BRK.B"].outcome is RequestOutcome.OK


@pytest.mark.parametrize("kind", ["500", "truncated", "cut", "html", "slow", "401"])
def test_a_transient_fault_is_retried(yahoo: YahooServer, kind: FaultKind) -> None:
    listed(yahoo, "AAA")
    yahoo.fail(kind, "AAA", times=1, value=LATE)
    policy = replace(QUICK, timeout=SHORT_TIMEOUT) if kind == "slow" else QUICK
    with Yahoo(policy) as provider:
        answer = fetch(provider, "AAA")["AAA"]
    assert answer.data is not None, answer
    assert answer.data.bars.height == SESSIONS
    assert yahoo.counted()["AAA"] == 2


@pytest.mark.parametrize(
    ("kind", "outcome", "detail", "attempts"),
    [
        ("404", RequestOutcome.NOT_FOUND, "No data found, symbol may be delisted", 1),
        ("empty", RequestOutcome.EMPTY, "no price data found", 1),
        ("renamed", RequestOutcome.RENAMED, "Yahoo answers with NEW", 1),
        ("500", RequestOutcome.ERROR, "status 500", 2),
        ("truncated", RequestOutcome.ERROR, "no JSON", 2),
        ("slow", RequestOutcome.TIMEOUT, "no answer within", 2),
        ("401", RequestOutcome.ERROR, "status 401: Invalid Crumb", 2),
    ],
)
def test_a_lasting_fault_affects_its_symbol_alone(
    yahoo: YahooServer, kind: FaultKind, outcome: RequestOutcome, detail: str, attempts: int
) -> None:
    listed(yahoo, "AAA", "BAD")
    yahoo.fail(kind, "BAD", value="NEW" if kind == "renamed" else LATE)
    policy = replace(QUICK, attempts=2, timeout=SHORT_TIMEOUT if kind == "slow" else QUICK.timeout)
    with Yahoo(policy) as provider:
        answers = fetch(provider, "BAD", "AAA")
    assert answers["BAD"].outcome is outcome
    assert detail in answers["BAD"].detail
    assert answers["BAD"].data is None
    assert answers["AAA"].outcome is RequestOutcome.OK
    assert yahoo.counted()["BAD"] == attempts


def test_an_unknown_symbol_costs_one_request(yahoo: YahooServer, provider: Yahoo) -> None:
    assert fetch(provider, "NOPE")["NOPE"].outcome is RequestOutcome.NOT_FOUND
    assert yahoo.counted() == {"NOPE": 1}


def test_a_window_before_the_listing_is_empty(yahoo: YahooServer, provider: Yahoo) -> None:
    yahoo.world.add(invented("NEW", date(2025, 8, 1), date(2025, 9, 30)))
    answer = fetch(provider, "NEW")["NEW"]
    assert (answer.outcome, answer.detail[:18]) == (RequestOutcome.EMPTY, "Data doesn't exist")


def test_throttled_requests_are_repeated_and_none_is_lost(yahoo: YahooServer, provider: Yahoo) -> None:
    symbols = [f"S{i:02}" for i in range(24)]
    listed(yahoo, *symbols)
    yahoo.fail("429", after=8, times=3)
    answers = fetch(provider, *symbols)
    assert {answer.outcome for answer in answers.values()} == {RequestOutcome.OK}
    assert Counter(one.status for one in yahoo.asked if one.path == CHART) == {200: 24, 429: 3}


@pytest.mark.parametrize("kind", ["429", "500"])
def test_prices_need_no_crumb(yahoo: YahooServer, provider: Yahoo, kind: FaultKind) -> None:
    listed(yahoo, *"ABC")
    yahoo.fail(kind, path=CRUMB)
    assert {answer.outcome for answer in fetch(provider, *"ABC").values()} == {RequestOutcome.OK}
    # Each chart is fetched once, and a refused crumb does not open the breaker.
    assert yahoo.counted() == dict.fromkeys("ABC", 1)
    assert provider.session.limiter.schedule.pauses == 0


def test_a_breaker_that_stays_open_ends_the_run_after_its_pauses(yahoo: YahooServer) -> None:
    symbols = [f"S{i:02}" for i in range(40)]
    listed(yahoo, *symbols)
    yahoo.fail("429", after=10)
    with Yahoo(RequestPolicy(rate=500, in_flight=4, backoff=0.02, pause=0.1, pauses=2)) as provider:
        answers = fetch(provider, *symbols)
    outcomes = Counter(answer.outcome for answer in answers.values())
    assert outcomes == {RequestOutcome.THROTTLED: 30, RequestOutcome.OK: 10}
    # The requests under way when the breaker opened, and one probe after each of the two pauses.
    assert sum(one.status == 429 for one in yahoo.asked) <= QUICK.in_flight + 2


def test_leaving_early_does_not_wait_for_the_end_of_a_pause(yahoo: YahooServer) -> None:
    symbols = [f"S{i:02}" for i in range(20)]
    listed(yahoo, *symbols)
    yahoo.fail("429", after=3)

    def leave_early() -> None:
        with Yahoo(RequestPolicy(rate=500, in_flight=4, pause=3600, longest=3600)) as provider:
            answers = provider.prices(PriceRequest(symbol, START, END) for symbol in symbols)
            assert len(list(islice(answers, 3))) == 3

    leaving = Thread(target=leave_early, daemon=True)
    leaving.start()
    leaving.join(HANG_SECONDS)
    assert not leaving.is_alive(), "it waits for the end of a pause of one hour"


def test_warnings_about_yfinance_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(warnings, "showwarning", lambda *values: shown.append(values[2]))
    ignore_yfinance_warnings()
    ignore_yfinance_warnings()
    for filename in ("/lib/yfinance/utils.py", "/lib/mine/utils.py"):
        warnings.showwarning(DeprecationWarning("old"), DeprecationWarning, filename, 1)
    assert shown == ["/lib/mine/utils.py"]
