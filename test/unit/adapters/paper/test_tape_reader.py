"""Tapes: the updates of each kind of table and line, and the errors of broken ones."""

import gzip
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from kit.generators.tapes import SYMBOL, write_tapes
from oms.adapters.paper.market_data.tape_reader import read_tape, read_tapes, tape_path
from oms.domain.errors import Invalid
from oms.domain.orders.order import Side
from oms.simulation.inputs import (
    BookUpdate,
    CandleClosed,
    FundingRateUpdate,
    MarkPriceUpdate,
    QuoteUpdate,
    TradeTick,
)

AT = datetime(2024, 8, 8, 23, 54, 14, tzinfo=UTC)
MS = int(AT.timestamp() * 1000)


def a_file(folder: Path, text: str, name: str = "tape.csv") -> Path:
    path = folder / name
    data = text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


@pytest.mark.parametrize("name", ["trades.csv", "trades.csv.gz", "packed-without-its-name"])
def test_trades(tmp_path: Path, name: str) -> None:
    text = f"local_ts,ts,id,price,qty,side\n{MS},{MS + 1200},7,61837.63000000,0.02,sell\n"
    path = a_file(tmp_path, text, name)
    if "packed" in name:
        path.write_bytes(gzip.compress(text.encode()))
    (update,) = read_tape(path, SYMBOL)
    price, qty = Decimal("61837.63"), Decimal("0.02")
    assert update == TradeTick(symbol=SYMBOL, price=price, qty=qty, side=Side.SELL, at=AT)


def test_trades_have_prices_until_a_book_follows(tmp_path: Path) -> None:
    trades = a_file(tmp_path, f"ts,price,amount\n{MS},100,1\n{MS + 2},101,1\n", "trades.csv")
    alone = list(read_tapes([trades], SYMBOL))
    assert [type(update) for update in alone] == [QuoteUpdate, TradeTick, QuoteUpdate, TradeTick]
    assert isinstance(alone[3], TradeTick) and alone[3].side is None
    book = a_file(tmp_path, f"ts,b0p,b0q,a0p,a0q\n{MS + 1},99,1,100,9e-05\n", "book.csv")
    both = list(read_tapes([trades, book], SYMBOL))
    assert [type(update) for update in both] == [QuoteUpdate, TradeTick, BookUpdate, TradeTick]
    assert isinstance(both[2], BookUpdate) and both[2].asks == ((Decimal(100), Decimal("0.00009")),)


def test_quotes_and_candles(tmp_path: Path) -> None:
    quotes = a_file(tmp_path, f"local_ts,bid,bid_qty,ask,ask_qty\n{MS},99,1,100,\n")
    (quote,) = read_tape(quotes, SYMBOL)
    assert quote == QuoteUpdate(
        symbol=SYMBOL, bid=Decimal(99), ask=Decimal(100), bid_qty=Decimal(1), at=AT
    )
    rows = [f"{MS + minute * 60_000},1,3,0.5,2,9" for minute in (0, 5, 15)]
    candles = a_file(tmp_path, "\n".join(["ts,open,high,low,close,volume", *rows]))
    updates = list(read_tape(candles, SYMBOL))
    assert all(isinstance(one, CandleClosed) for one in updates)
    # A candle is emitted at its close; after a gap it lasts no longer than the others.
    assert [(one.at - AT) // timedelta(minutes=1) for one in updates] == [5, 10, 20]


def test_funding_rates_are_not_prices(tmp_path: Path) -> None:
    rates = a_file(tmp_path, f"ts,funding_rate\n{MS},-0.0001\n", "rates.csv")
    trades = a_file(tmp_path, f"ts,price,qty\n{MS + 1},5,1\n", "trades.csv")
    update = list(read_tapes([rates, trades], SYMBOL))
    assert update[0] == FundingRateUpdate(symbol=SYMBOL, rate=Decimal("-0.0001"), at=AT)
    assert [type(one) for one in update[1:]] == [QuoteUpdate, TradeTick]


def test_json_lines_of_our_own_format(tmp_path: Path) -> None:
    lines = (
        '{"at": "2024-08-08T23:54:14Z", "do": "book", "bids": [["99", "1"]], "asks": []}\n'
        '{"at": "2024-08-08T23:54:15Z", "do": "mark", "symbol": "BTC/USDT", "price": 100.5}\n'
        '{"at": "2024-08-08T23:54:15Z", "do": "mark", "symbol": "ETH/USDT", "price": 7}\n'
    )
    book, mark = read_tape(a_file(tmp_path, lines), SYMBOL)
    assert book == BookUpdate(symbol=SYMBOL, bids=((Decimal(99), Decimal(1)),), asks=(), at=AT)
    assert mark == MarkPriceUpdate(
        symbol=SYMBOL, price=Decimal("100.5"), at=AT + timedelta(seconds=1)
    )


def test_depth_updates_wait_for_their_snapshot(tmp_path: Path) -> None:
    lines = (
        f'{{"lt":{MS},"u":10,"b":[[98.0,1.0]],"a":[]}}\n'
        f'{{"lt":{MS + 1},"u":12,"b":[[99.0,0.0]],"a":[[101.5,2.0]]}}\n'
        f'{{"lt":{MS + 2},"u":11,"snapshot":true,"b":[[99.0,1.0],[97.0,5.0]],"a":[[102.0,1.0]]}}\n'
        f'{{"lt":{MS + 3},"u":13,"b":[[99.5,3.0]],"a":[]}}\n'
    )
    first, second = read_tape(a_file(tmp_path, lines), SYMBOL)
    # Update 10 is part of the snapshot already; update 12 is not.
    assert isinstance(first, BookUpdate) and isinstance(second, BookUpdate)
    assert [price for price, _ in first.bids] == [97]
    assert [price for price, _ in first.asks] == [Decimal("101.5"), 102]
    assert [price for price, _ in second.bids] == [Decimal("99.5"), 97]


def test_times_that_go_back_are_raised(tmp_path: Path) -> None:
    path = a_file(tmp_path, f"ts,price,qty\n{MS},1,1\n{MS - 500},2,1\n{MS + 1},3,1\n")
    assert [update.at for update in read_tape(path, SYMBOL)] == [
        AT,
        AT,
        AT + timedelta(milliseconds=1),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b,c\n", "no column of time"),
        ("ts,colour\n1,2\n", "of no known table"),
        (f"ts,price,qty\n{MS},1,1\n{MS},x,1\n", "line 3"),
        (f"ts,price,qty\n{MS},NaN,1\n", "line 2"),
        (f"ts,price,qty\n{MS},1\n", "line 2"),
        (f"ts,price,qty,side\n{MS},1,1,up\n", "line 2"),
        ('{"at": "2024-08-08T23:54:14Z", "do": "guess"}', "none of"),
        ('{"at": "2024-08-08T23:54:14Z", "do": "deposit", "currency": "X", "amount": 1}', "line 1"),
        ('{"at": "2024-08-08T23:54:14Z", "do": "mark"}', "price"),
        ('{"at"', "line 1"),
    ],
)
def test_broken_tapes_are_refused_with_the_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(Invalid, match=message) as caught:
        list(read_tape(a_file(tmp_path, text), SYMBOL))
    assert (caught.value.code, caught.value.reason) == ("no_price", "tape_unreadable")


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = a_file(tmp_path, "ts,price,qty\n" + f"{MS},1,1\n" * 9999, "cut.csv.gz")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(Invalid, match=r"cut\.csv\.gz, after line \d+"):
        list(read_tape(path, SYMBOL))


@pytest.mark.parametrize("name", ["../secret.csv", "/etc/hostname", "link.csv", ""])
def test_paths_outside_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    a_file(tmp_path, "x", "secret.csv")
    folder = tmp_path / "tapes"
    folder.mkdir()
    (folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(Invalid) as caught:
        tape_path(folder, name)
    assert caught.value.reason == "tape_forbidden"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        tape_path(tmp_path, "no.csv")
    assert caught.value.reason == "tape_not_found"


def test_the_generated_tapes(tmp_path: Path) -> None:
    names = write_tapes(tmp_path, seconds=20)
    update = list(read_tapes([tmp_path / name for name in names], SYMBOL))
    books = [each for each in update if isinstance(each, BookUpdate)]
    assert len(books) == 40
    assert all(book.bids[0][0] < book.asks[0][0] for book in books)
    assert len(update) > 80
    again = [(tmp_path / name).read_bytes() for name in write_tapes(tmp_path, seconds=20)]
    assert again == [(tmp_path / name).read_bytes() for name in names]


@pytest.mark.recorded
@pytest.mark.parametrize(
    ("pattern", "kinds"),
    [
        ("trades_*.csv.gz", {QuoteUpdate, TradeTick}),
        ("book10_*.csv.gz", {BookUpdate}),
        ("bbo100ms_*.csv.gz", {QuoteUpdate}),
        ("depthdiff_*_spot_*.jsonl.gz", {BookUpdate}),
        ("ohlcv_perp_XRP*.csv.gz", {CandleClosed}),
        ("funding_perp_*.csv.gz", {FundingRateUpdate}),
    ],
)
def test_recorded_files(recorded_data: Path, pattern: str, kinds: set[type]) -> None:
    paths = sorted((recorded_data / "market").glob(pattern))
    assert paths
    for path in paths:
        update = list(read_tapes([path], SYMBOL))
        assert {type(each) for each in update} == kinds
        books = [each for each in update if isinstance(each, BookUpdate)]
        assert all(book.bids[0][0] < book.asks[0][0] for book in books)
