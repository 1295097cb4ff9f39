"""The provider against the loopback server: the real yfinance, the real curl, each failure."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from datetime import date
from itertools import islice
from threading import Thread

import polars as pl
import pytest

from loaders.market import Answer, Outcome, Prices, PricesWanted
from loaders.yahoo import Patience, Yahoo
from loaders.yahoo.provider import hush
from tests.market.server import CHART, CRUMB, YahooServer
from tests.market.world import Listing, invented

START, END = date(2025, 1, 2), date(2025, 6, 30)
SESSIONS = 122
"""Of the New York exchange in that span: 20, 19, 21, 21, 21 and 20 a month."""
PATIENCE_SECONDS = 120
QUICK = Patience(rate=500, in_flight=4, timeout=1.5, backoff=0.02, pause=0.1, longest=0.4)


@pytest.fixture
def provider(yahoo: YahooServer) -> Iterator[Yahoo]:
    with Yahoo(QUICK) as found:
        yield found


def listed(yahoo: YahooServer, *symbols: str) -> None:
    for symbol in symbols:
        yahoo.world.add(invented(symbol, date(2024, 1, 2), END))


def asked(provider: Yahoo, *symbols: str) -> dict[str, Answer[Prices]]:
    wanted = (PricesWanted(symbol, START, END) for symbol in symbols)
    return {answer.symbol: answer for answer in provider.prices(wanted)}


def test_bars_and_actions_come_as_they_are_both_bases_apart(yahoo: YahooServer, provider: Yahoo) -> None:
    days = [date(2025, 6, day) for day in (9, 10, 11, 12)]
    dividends, splits = {date(2025, 6, 12): 2.0}, {date(2025, 6, 11): 2.0}
    yahoo.world.add(Listing("AAA", days, [100.0, 110.0, 56.0, 50.0], dividends, splits, exchange="NMS"))
    found = asked(provider, "AAA")["AAA"].data
    assert found is not None
    # Splits halve what stands before the 11th; the dividend takes 2 / 56 off what stands before the 12th.
    assert found.bars["close"].to_list() == [50.0, 55.0, 56.0, 50.0]
    kept = 1 - 2 / 56
    assert found.bars["adjusted_close"].to_list() == pytest.approx([50 * kept, 55 * kept, 56 * kept, 50.0])
    assert found.actions.rows() == [(days[2], "split", 2.0), (days[3], "dividend", 2.0)]
    assert (found.exchange, found.currency, found.listed) == ("NMS", "USD", days[0])


def test_a_symbol_costs_one_request(yahoo: YahooServer, provider: Yahoo) -> None:
    listed(yahoo, *"ABCDEF")
    found = asked(provider, *"ABCDEF")
    assert {answer.data.bars.height for answer in found.values() if answer.data} == {SESSIONS}
    assert yahoo.counted() == dict.fromkeys("ABCDEF", 1)
    assert yahoo.counted(CRUMB).total() == 1


def test_a_dotted_symbol_is_asked_for_with_a_hyphen(yahoo: YahooServer, provider: Yahoo) -> None:
    listed(yahoo, "BRK-B")
    assert asked(provider, "BRK.B")["BRK.B"].outcome is Outcome.OK


@pytest.mark.parametrize("kind", ["500", "truncated", "cut", "html", "slow", "401"])
def test_a_passing_fault_is_waited_out(yahoo: YahooServer, provider: Yahoo, kind: str) -> None:
    listed(yahoo, "AAA")
    yahoo.fail(kind, "AAA", times=1, value=1.8)  # type: ignore[arg-type]
    found = asked(provider, "AAA")["AAA"]
    assert found.data is not None, found
    assert found.data.bars.height == SESSIONS
    assert yahoo.counted()["AAA"] == 2


@pytest.mark.parametrize(
    ("kind", "outcome", "detail"),
    [
        ("404", Outcome.NOT_FOUND, "No data found, symbol may be delisted"),
        ("empty", Outcome.EMPTY, "no price data found"),
        ("renamed", Outcome.RENAMED, "Yahoo answers with NEW"),
        ("500", Outcome.ERROR, "status 500"),
        ("truncated", Outcome.ERROR, "no JSON"),
        ("slow", Outcome.TIMEOUT, "no answer within"),
        ("401", Outcome.ERROR, "status 401: Invalid Crumb"),
    ],
)
def test_a_lasting_fault_is_its_symbols_own(
    yahoo: YahooServer, kind: str, outcome: Outcome, detail: str
) -> None:
    listed(yahoo, "AAA", "BAD")
    yahoo.fail(kind, "BAD", value="NEW" if kind == "renamed" else 0.6)  # type: ignore[arg-type]
    with Yahoo(Patience(rate=500, timeout=0.4, attempts=2, backoff=0.02)) as provider:
        found = asked(provider, "BAD", "AAA")
    assert found["BAD"].outcome is outcome
    assert detail in found["BAD"].detail
    assert found["BAD"].data is None
    assert found["AAA"].outcome is Outcome.OK


def test_an_unknown_symbol_costs_one_request(yahoo: YahooServer, provider: Yahoo) -> None:
    assert asked(provider, "NOPE")["NOPE"].outcome is Outcome.NOT_FOUND
    assert yahoo.counted() == {"NOPE": 1}


def test_a_window_before_the_listing_is_empty(yahoo: YahooServer, provider: Yahoo) -> None:
    yahoo.world.add(invented("NEW", date(2025, 8, 1), date(2025, 9, 30)))
    found = asked(provider, "NEW")["NEW"]
    assert (found.outcome, found.detail[:18]) == (Outcome.EMPTY, "Data doesn't exist")


def test_being_throttled_pauses_everybody_and_loses_nothing(yahoo: YahooServer, provider: Yahoo) -> None:
    symbols = [f"S{i:02}" for i in range(24)]
    listed(yahoo, *symbols)
    yahoo.fail("429", after=8, times=3)
    found = asked(provider, *symbols)
    assert {answer.outcome for answer in found.values()} == {Outcome.OK}
    refused = [one.at for one in yahoo.asked if one.status == 429]
    later = [
        one.at for one in yahoo.asked if one.path == CHART and one.at > refused[-1] and one.status == 200
    ]
    assert len(refused) == 3
    # Requests that were under way may still come in; then nobody does until the pause is over.
    gaps = [after - before for before, after in zip([refused[-1], *later], later, strict=False)]
    assert max(gaps) >= QUICK.pause * 0.9


@pytest.mark.parametrize("kind", ["429", "500"])
def test_prices_need_no_crumb(yahoo: YahooServer, provider: Yahoo, kind: str) -> None:
    listed(yahoo, *"ABC")
    yahoo.fail(kind, path=CRUMB)  # type: ignore[arg-type]
    assert {answer.outcome for answer in asked(provider, *"ABC").values()} == {Outcome.OK}
    # Each chart is asked for once, and a crumb that is refused opens no breaker.
    assert yahoo.counted() == dict.fromkeys("ABC", 1)
    assert provider.session.gate.pauses == 0


def test_a_breaker_that_stays_open_ends_the_run_after_its_pauses(yahoo: YahooServer) -> None:
    symbols = [f"S{i:02}" for i in range(40)]
    listed(yahoo, *symbols)
    yahoo.fail("429", after=10)
    with Yahoo(Patience(rate=500, in_flight=4, backoff=0.02, pause=0.1, pauses=2)) as provider:
        found = asked(provider, *symbols)
    outcomes = pl.Series([answer.outcome.value for answer in found.values()]).value_counts(sort=True)
    assert dict(outcomes.iter_rows()) == {"throttled": 30, "ok": 10}
    # Those under way when it opened, and a probe after each of the two pauses.
    assert sum(one.status == 429 for one in yahoo.asked) <= QUICK.in_flight + 2


def test_who_leaves_in_the_middle_of_a_pause_waits_for_nobody(yahoo: YahooServer) -> None:
    symbols = [f"S{i:02}" for i in range(20)]
    listed(yahoo, *symbols)
    yahoo.fail("429", after=3)

    def leave_early() -> None:
        with Yahoo(Patience(rate=500, in_flight=4, pause=3600, longest=3600)) as provider:
            answers = provider.prices(PricesWanted(symbol, START, END) for symbol in symbols)
            assert len(list(islice(answers, 3))) == 3

    leaving = Thread(target=leave_early, daemon=True)
    leaving.start()
    leaving.join(PATIENCE_SECONDS)
    assert not leaving.is_alive(), "it waits for the end of a pause of an hour"


def test_the_rate_is_everybodys_together(yahoo: YahooServer) -> None:
    listed(yahoo, *(f"S{i}" for i in range(10)))
    with Yahoo(Patience(rate=20, in_flight=8)) as provider:
        asked(provider, *(f"S{i}" for i in range(10)))
    times = [one.at for one in yahoo.asked if one.path == CHART]
    assert len(times) == 10
    assert times[-1] - times[0] >= 9 / 20 * 0.95


def test_nothing_is_asked_that_nobody_waits_for(yahoo: YahooServer, provider: Yahoo) -> None:
    symbols = [f"S{i:02}" for i in range(30)]
    listed(yahoo, *symbols)
    answers = provider.prices(PricesWanted(symbol, START, END) for symbol in symbols)
    next(answers)
    time.sleep(0.3)
    assert yahoo.counted().total() <= 2 * QUICK.in_flight


def test_what_pandas_says_of_yfinance_is_kept_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(warnings, "showwarning", lambda *told: shown.append(told[2]))
    hush()
    hush()
    for filename in ("/lib/yfinance/utils.py", "/lib/mine/utils.py"):
        warnings.showwarning(DeprecationWarning("old"), DeprecationWarning, filename, 1)
    assert shown == ["/lib/mine/utils.py"]
