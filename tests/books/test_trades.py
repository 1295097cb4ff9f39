"""Equity of a book of trades, against an account that holds cash and shares as the broker's does."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import date
from decimal import Decimal as D

import pytest

import engine
from engine.core.calendar import sessions
from tests.marks import first

DAYS = sessions(date(2025, 1, 6), date(2025, 2, 28))
SYMBOLS = ("AAA", "BBB")
Row = tuple[date, str, str, object, object, object, object]
COLUMNS = ("Date", "Action", "Symbol", "Quantity", "Price", "Amount", "Fee")
CORRECTED = engine.Rules.corrected()


def inputs_of(trades: list[Row], closes: dict[str, dict[date, D]], **choices: object) -> engine.Inputs:
    """The book of trades and of a table of dates x symbols."""
    frame = {name: [str(row[place]) for row in trades] for place, name in enumerate(COLUMNS)}
    prices: dict[str, list[str]] = {"Date": [str(day) for day in DAYS]}
    prices |= {name: [str(table.get(day, "")) for day in DAYS] for name, table in closes.items()}
    return engine.book(prices=prices, trades=frame, **choices)  # type: ignore[arg-type]


def equity(inputs: engine.Inputs) -> list[D]:
    table = engine.compute(inputs, rules=CORRECTED)["portfolio_snapshots"].sort("snapshot_date")
    values: list[D] = table["equity_balance"].to_list()
    return values


def account(trades: list[Row], quoted: dict[str, dict[date, D]]) -> list[D]:
    """Equity of each session: cash, and shares as they were held, at closes as they were quoted."""
    cash, held, values = D(0), defaultdict[str, D](D), []
    for day in [date(2025, 1, 3), *DAYS]:
        for when, action, symbol, quantity, price, amount, fee in trades:
            if when != day:
                continue
            if action in ("Buy", "Sell"):
                units = D(str(quantity)) * (1 if action == "Buy" else -1)
                held[symbol] += units
                cash -= units * D(str(price)) + D(str(fee or 0))
            elif action == "Split":
                held[symbol] += D(str(quantity))
            else:
                cash += D(str(amount))
        if day in DAYS:
            values.append(cash + sum((held[name] * quoted[name][day] for name in SYMBOLS), D(0)))
    return values


def world(seed: int) -> tuple[list[Row], dict[str, dict[date, D]], dict[str, dict[date, D]]]:
    """Trades of two symbols, one of which is split 2 for 1; closes as quoted, and adjusted for it."""
    rng = random.Random(seed)
    split_day = DAYS[rng.randrange(8, 24)]
    quoted: dict[str, dict[date, D]] = {}
    for name in SYMBOLS:
        cents = 4000 + 2 * rng.randrange(3000)
        quoted[name] = {}
        for day in DAYS:
            cents += 2 * rng.randrange(-30, 31)
            quoted[name][day] = D(cents) / 100
    for day in DAYS:
        if day >= split_day:
            quoted["AAA"][day] /= 2
    trades: list[Row] = [(DAYS[0], "Buy", "AAA", 100, quoted["AAA"][DAYS[0]] + 1, "", "1.50")]
    shares, opening = {"AAA": 100, "BBB": 0}, rng.choice([date(2025, 1, 3), DAYS[0]])
    trades.insert(0, (opening, "Deposit", "", "", "", "50000.00", ""))
    for day in DAYS:
        if day == split_day:
            trades.append((day, "Split", "AAA", shares["AAA"], "", "", ""))
            shares["AAA"] *= 2
        elif rng.random() < 0.4:
            name = rng.choice(SYMBOLS)
            price = quoted[name][day] + D(2 * rng.randrange(-20, 21)) / 100
            selling = shares[name] > 20 and rng.random() < 0.5
            count = 2 * rng.randrange(1, 11)
            shares[name] += -count if selling else count
            trades.append((day, "Sell" if selling else "Buy", name, count, price, "", "0.50"))
        elif rng.random() < 0.1:
            trades.append((day, rng.choice(["Deposit", "Withdrawal"]), "", "", "", "250.25", ""))
            if trades[-1][1] == "Withdrawal":
                trades[-1] = (day, "Withdrawal", "", "", "", "-250.25", "")
    halved = {day: price / 2 if day < split_day else price for day, price in quoted["AAA"].items()}
    return trades, quoted, {**quoted, "AAA": halved}


@pytest.mark.parametrize("seed", first(3, range(30)))
def test_equity_is_that_of_the_account_to_the_cent(seed: int) -> None:
    trades, quoted, adjusted = world(seed)
    expected = account(trades, quoted)
    assert equity(inputs_of(trades, adjusted)) == expected
    assert equity(inputs_of(trades, quoted)) == expected


def steady(price: str = "10") -> dict[str, dict[date, D]]:
    return {"AAA": dict.fromkeys(DAYS, D(price))}


def bought(quantity: int, *then: Row) -> list[Row]:
    return [(DAYS[0], "Buy", "AAA", quantity, 10, "", ""), *then]


@pytest.mark.parametrize(
    ("quantity", "held"),
    [(100, 200), ("2:1", 200), ("3 for 2", 150), ("3-for-2", 150), (-90, 10), ("1:10", 10), ("1/10", 10)],
)
def test_a_split_adds_shares_or_states_its_ratio(quantity: object, held: int) -> None:
    inputs = inputs_of(bought(100, (DAYS[3], "Split", "AAA", quantity, "", "", "")), steady())
    lot = inputs.positions.row(0, named=True)
    assert (lot["quantity"], lot["entry_price"]) == (D(held), round(D(1000) / held, 4))


def test_lots_that_were_closed_before_a_split_are_on_its_footing_too() -> None:
    rows = [(DAYS[1], "Sell", "AAA", 40, 12, "", ""), (DAYS[3], "Split", "AAA", 60, "", "", "")]
    lots = inputs_of(bought(100, *rows), steady("5")).positions.sort("quantity")
    columns = ("quantity", "entry_price", "exit_price")
    assert lots.select(columns).rows() == [(D(80), D(5), D(6)), (D(120), D(5), None)]


@pytest.mark.parametrize(
    ("quantity", "sentence"),
    [
        ("", "line 2: a split of AAA without the shares that it adds or a ratio like 4:1"),
        (-100, "line 2: a split that takes 100 of 100 AAA away leaves none"),
        ("0:4", "line 2: a split of 0:4 leaves no shares"),
        ("many", "line 2: column Quantity: 'many' is no number"),
    ],
)
def test_a_split_that_cannot_be_is_refused(quantity: object, sentence: str) -> None:
    with pytest.raises(engine.EngineError, match=sentence):
        inputs_of(bought(100, (DAYS[3], "Split", "AAA", quantity, "", "", "")), steady())


def test_the_preview_says_what_a_split_does_to_closes() -> None:
    from loaders.books.book import Choices, Sources, read_book
    from loaders.books.sheet import of_frame

    trades = bought(100, (DAYS[3], "Split", "AAA", 100, "", "", ""))
    frame = {name: [str(row[place]) for row in trades] for place, name in enumerate(COLUMNS)}
    notes = {}
    for kind, before in (("quoted", 10.0), ("adjusted", 5.0)):
        prices = {"Date": [str(day) for day in DAYS], "AAA": [before] * 3 + [5.0] * (len(DAYS) - 3)}
        sources = Sources(trades=of_frame(frame, "trades"), prices=of_frame(prices, "prices"))
        book = read_book(sources, Choices())
        notes[kind] = book.notes[0]
        assert set(book.closes["close"]) == {D(5)}
    start = f"split of AAA on {DAYS[3]}, 2 for 1: its closes before that day"
    assert notes == {
        "quoted": f"{start} are divided by it",
        "adjusted": f"{start} are taken as adjusted for it",
    }


def test_trades_without_a_deposit_begin_without_cash() -> None:
    trades = bought(100)
    assert equity(inputs_of(trades, steady("11")))[0] == D(1100)
    assert equity(inputs_of(trades, steady("11"), equity=5000))[0] == D(5000)


def test_a_ratio_in_the_description_and_the_shares_agree_or_are_refused() -> None:
    frame = {
        "Date": ["2025-01-06", "2025-01-09"],
        "Action": ["Buy", "Stock Split"],
        "Symbol": ["AAA", "AAA"],
        "Description": ["", "AAA 3 FOR 2 STOCK SPLIT"],
        "Quantity": ["25", "12"],  # half a share is paid in cash
        "Price": ["12", ""],
    }
    prices = {"Date": [str(day) for day in DAYS], "AAA": ["8"] * len(DAYS)}
    lot = engine.book(prices=prices, trades=frame).positions.row(0, named=True)
    assert (lot["quantity"], lot["entry_price"]) == (D("37.5"), D(8))
    frame["Quantity"][1] = "25"
    with pytest.raises(engine.EngineError, match=r"a split of 3 for 2 adds 12\.5 to 25 AAA, not 25"):
        engine.book(prices=prices, trades=frame)


def frame_with_lots(sale: tuple[str, str]) -> dict[str, list[str]]:
    """Two lots of AAA, and a sale of a quantity of the lots of a day."""
    quantity, day = sale
    return {
        "Date": ["2025-01-06", "2025-01-08", "2025-01-10"],
        "Action": ["Buy", "Buy", "Sell"],
        "Symbol": ["AAA"] * 3,
        "Quantity": ["10", "20", quantity],
        "Price": ["5", "6", "7"],
        "Date Acquired": ["2025-01-06", "2025-01-08", day],
    }


@pytest.mark.parametrize(
    ("day", "closed", "left"),
    [
        ("", [(D(10), D(5)), (D(5), D(6))], [(D(15), D(6))]),
        ("2025-01-08", [(D(15), D(6))], [(D(5), D(6)), (D(10), D(5))]),
    ],
)
def test_a_sale_closes_the_oldest_lots_or_those_that_it_states(
    day: str, closed: list[object], left: list[object]
) -> None:
    prices = {"Date": [str(day) for day in DAYS], "AAA": ["5"] * len(DAYS)}
    lots = engine.book(prices=prices, trades=frame_with_lots(("15", day))).positions
    lots = lots.sort("quantity", "entry_price").select("quantity", "entry_price", "exit_price")
    assert sorted(row[:2] for row in lots.rows() if row[2] == 7) == sorted(closed)  # type: ignore[type-var]
    assert [row[:2] for row in lots.rows() if row[2] is None] == left


def test_a_sale_of_more_than_the_stated_lots_hold_is_refused() -> None:
    prices = {"Date": [str(day) for day in DAYS], "AAA": ["5"] * len(DAYS)}
    words = "line 3: sell of 11 AAA of the lots of 2025-01-06, of which 10 are held"
    with pytest.raises(engine.EngineError, match=words):
        engine.book(prices=prices, trades=frame_with_lots(("11", "2025-01-06")))
