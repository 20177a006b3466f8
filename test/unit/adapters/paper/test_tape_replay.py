"""Replaying a tape to a paper account: its clock, limits, restarts, and unreadable tapes."""

import json
import random
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kit.builders import NOON, an_order
from kit.generators.tapes import SYMBOL, write_tapes
from oms.adapters.paper import paper_engine as paper_engine
from oms.adapters.paper.market_data.tape_replay import LOOP_GAP, TapeReplay
from oms.adapters.paper.paper_engine import PaperEngine
from oms.adapters.paper.paper_exchange import PaperExchange
from oms.adapters.paper.scenario import process_input
from oms.domain.account import Account, Environment, PaperSettings, PositionMode, ReplaySettings
from oms.domain.errors import Invalid
from oms.domain.orders.execution_report import ReportKind
from oms.domain.orders.order import Order, Side
from oms.domain.quotes import Quote
from oms.ports.exchange import ExchangeStateRows
from oms.simulation.inputs import Deposit

SECOND = timedelta(seconds=1)


def a_tape(folder: Path, prices: str = "100 101 102 103", name: str = "tape.csv") -> ReplaySettings:
    """One quote per second."""
    rows = [f"{1000 + n},{p},{p}" for n, p in enumerate(prices.split())]
    (folder / name).write_text("\n".join(["ts,bid,ask", *rows]))
    return ReplaySettings(file=(name,))


def prices(replay: TapeReplay, now: datetime, limit: int = 100) -> list[str]:
    return [str(update.bid) for update in replay.updates(now, limit)]  # type: ignore[union-attr]


def times(replay: TapeReplay, now: datetime) -> list[float]:
    return [(update.at - NOON) / SECOND for update in replay.updates(now, 100)]


def an_account(replay: ReplaySettings, **paper: Any) -> Account:
    return Account(
        id=7,
        exchange_id="paper.binance",
        label="paper",
        position_mode=PositionMode.NETTING,
        environment=Environment.PAPER,
        paper=PaperSettings(source="replay", replay=replay, **paper),
    )


def a_buy(price: str | None, qty: str = "0.1", **changes: Any) -> Order:
    values: dict[str, Any] = {
        "symbol": SYMBOL,
        "order_type": "market" if price is None else "limit",
        "price": None if price is None else Decimal(price),
        "qty": Decimal(qty),
        "side": Side.BUY,
    }
    return an_order(**(values | changes))


def stored(exchange: PaperExchange) -> ExchangeStateRows:
    """Returns what a store holds after the first commit."""
    rows = exchange.take_state_changes()
    assert rows is not None
    return rows


def test_speed_scales_the_recorded_times(tmp_path: Path) -> None:
    replay = TapeReplay(tmp_path, SYMBOL, a_tape(tmp_path))
    assert prices(replay, NOON) == ["100"]
    assert prices(replay, NOON + SECOND / 2) == []
    assert times(replay, NOON + 2 * SECOND) == [1, 2]
    assert times(replay, NOON + 99 * SECOND) == [3]
    assert prices(replay, NOON + 999 * SECOND) == []
    fast = TapeReplay(tmp_path, SYMBOL, ReplaySettings(file=("tape.csv",), speed=Decimal("2.5")))
    prices(fast, NOON)
    assert times(fast, NOON + SECOND) == [0.4, 0.8]


def test_at_speed_zero_each_call_emits_one_price(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("ts,price,qty\n1000,5,1\n1001,6,1\n")
    (tmp_path / "b.csv").write_text("ts,b0p,b0q,a0p,a0q\n1000,4,1,6,1\n1002,5,1,7,1\n")
    settings = ReplaySettings(file=("b.csv", "t.csv"), speed=Decimal(0))
    replay = TapeReplay(tmp_path, SYMBOL, settings)
    looks = [[type(update).__name__ for update in replay.updates(NOON, 100)] for _ in range(3)]
    assert looks == [["BookUpdate"], ["TradeTick", "TradeTick", "BookUpdate"], []]


def test_updates_per_call_are_limited(tmp_path: Path) -> None:
    replay = TapeReplay(tmp_path, SYMBOL, a_tape(tmp_path))
    prices(replay, NOON)
    assert prices(replay, NOON + 9 * SECOND, 2) == ["101", "102"]
    assert prices(replay, NOON + 9 * SECOND, 2) == ["103"]


def test_a_loop_shifts_time(tmp_path: Path) -> None:
    settings = a_tape(tmp_path, "100 101")
    replay = TapeReplay(tmp_path, SYMBOL, ReplaySettings(file=settings.file, loop=True))
    round_trip = SECOND + LOOP_GAP
    assert times(replay, NOON) == [0]
    assert times(replay, NOON + 2 * round_trip) == [1, 2, 3, 4]
    again = TapeReplay(
        tmp_path, SYMBOL, ReplaySettings(file=settings.file, loop=True), replay.position
    )
    assert times(again, NOON + 6 * SECOND) == [5, 6]


def test_a_configured_start_needs_no_position(tmp_path: Path) -> None:
    file = a_tape(tmp_path).file
    settings = ReplaySettings(file=file, start=NOON - SECOND)
    assert times(TapeReplay(tmp_path, SYMBOL, settings), NOON + SECOND) == [-1, 0, 1]
    assert times(TapeReplay(tmp_path, SYMBOL, settings), NOON + SECOND) == [-1, 0, 1]
    later = ReplaySettings(file=file, start=NOON + SECOND)
    assert times(TapeReplay(tmp_path, SYMBOL, later), NOON) == []


def test_another_speed_restarts_the_tape(tmp_path: Path) -> None:
    settings = a_tape(tmp_path)
    replay = TapeReplay(tmp_path, SYMBOL, settings)
    prices(replay, NOON)
    other = ReplaySettings(file=settings.file, speed=Decimal(2))
    assert times(TapeReplay(tmp_path, SYMBOL, other, replay.position), NOON + SECOND) == [1]


async def test_resting_orders_are_filled_in_tape_order(tmp_path: Path) -> None:
    account = an_account(a_tape(tmp_path, "100 101 99 97 105"))
    exchange = PaperExchange.restore(account, ExchangeStateRows(), tmp_path)
    assert [r.kind for r in await exchange.place(a_buy("98"), NOON)] == [ReportKind.ACCEPTED]
    (fill,) = await exchange.poll_reports(NOON + 90 * SECOND)
    assert fill.execution is not None
    assert (fill.execution.price, fill.execution.executed_at) == (98, NOON + 3 * SECOND)
    quote = exchange.quote(SYMBOL, NOON + 60 * SECOND)
    assert quote is not None and quote.bid == 105


async def test_a_restart_continues_the_tape(tmp_path: Path) -> None:
    names = write_tapes(tmp_path, seconds=60)
    account = an_account(ReplaySettings(file=names, speed=Decimal(7), loop=True))
    first = PaperExchange.restore(account, ExchangeStateRows(), tmp_path)
    await first.place(a_buy("61000", id=1), NOON)
    await first.place(a_buy("61790", id=2, qty="0.5"), NOON + SECOND)
    second = PaperExchange.restore(account, stored(first), tmp_path)
    poll_times = [NOON + n * SECOND / 4 for n in range(5, 160, 7)]
    polled = [[str(report) for report in await first.poll_reports(now)] for now in poll_times]
    # The second one is polled less often: the market is the same.
    again = [[str(report) for report in await second.poll_reports(now)] for now in poll_times[::3]]
    last = poll_times[-1] + SECOND
    polled.append([str(report) for report in await first.poll_reports(last)])
    again.append([str(report) for report in await second.poll_reports(last)])
    reports = [_without_receipt(text) for reports_of_poll in polled for text in reports_of_poll]
    assert reports == [
        _without_receipt(text) for reports_of_poll in again for text in reports_of_poll
    ]
    assert reports, "the tape must reach the order"
    assert first.state_hash() == second.state_hash()
    assert stored(first) == stored(second)


def _without_receipt(report: str) -> str:
    """Returns a report without the time at which it was polled."""
    return report.partition("received_at=")[0] + report.partition("execution=")[2]


async def test_reads_do_not_consume_updates_that_fill_orders(tmp_path: Path) -> None:
    account = an_account(a_tape(tmp_path, "100 101 97 105"))
    exchange = PaperExchange.restore(account, ExchangeStateRows(), tmp_path)
    await exchange.place(a_buy("98"), NOON)
    late = NOON + 60 * SECOND
    ticker = await exchange.call("fetch_ticker", [SYMBOL], {}, late)
    assert isinstance(ticker, dict) and ticker["bid"] == 101
    assert [report.kind for report in await exchange.poll_reports(late)] == [ReportKind.EXECUTION]
    ticker = await exchange.call("fetch_ticker", [SYMBOL], {}, late)
    assert isinstance(ticker, dict) and ticker["bid"] == 105


async def test_at_speed_zero_orders_get_the_price_that_was_read(tmp_path: Path) -> None:
    replay = ReplaySettings(file=a_tape(tmp_path).file, speed=Decimal(0))
    exchange = PaperExchange.restore(an_account(replay), ExchangeStateRows(), tmp_path)
    bids = []
    for number in range(1, 5):
        ticker = await exchange.call("fetch_ticker", [SYMBOL], {}, NOON)
        assert isinstance(ticker, dict)
        order = a_buy(None, id=number)
        reports = await exchange.place(order, NOON)
        fills = [r.execution.price for r in reports if r.execution is not None]
        bids.append((ticker["bid"], *map(float, fills)))
    assert bids == [(100, 100), (101, 101), (102, 102), (103, 103)]


async def test_a_day_at_speed_zero_gives_the_same_deals_twice(tmp_path: Path) -> None:
    draw = random.Random(42)
    steps = (str(100 + draw.randrange(-30, 31) / 10) for _ in range(24 * 60))
    replay = ReplaySettings(file=a_tape(tmp_path, " ".join(steps)).file, speed=Decimal(0))
    once = await _play_day(PaperExchange.restore(an_account(replay), ExchangeStateRows(), tmp_path))
    twice = await _play_day(
        PaperExchange.restore(an_account(replay), ExchangeStateRows(), tmp_path), 3.7
    )
    assert once == twice
    assert len(once) > 40
    assert len({deal[2] for deal in once}) > 10, "prices of all over the day"


async def _play_day(exchange: PaperExchange, pause: float = 1) -> list[tuple[Any, ...]]:
    """Look at the market once a step and send an order every 30; returns what was executed."""
    deals: list[tuple[Any, ...]] = []
    for number in range(24 * 60):
        now = NOON + number * pause * SECOND
        await exchange.call("fetch_ticker", [SYMBOL], {}, now)
        reports = [*await exchange.poll_reports(now)]
        if number % 30 == 0:
            price = None if number % 60 else "99"
            reports += await exchange.place(a_buy(price, id=number + 1), now)
        for report in reports:
            fill = report.execution
            if fill is not None:
                deals.append(
                    (report.order_id, fill.exchange_trade_id, fill.price, fill.qty, fill.fee)
                )
    return deals


async def test_symbols_of_an_account_share_one_start(tmp_path: Path) -> None:
    a_tape(tmp_path, "1 2 3 4", "eth.csv")
    replay = ReplaySettings(file=a_tape(tmp_path).file, files={"ETH/USDT": ("eth.csv",)})
    exchange = PaperExchange.restore(an_account(replay), ExchangeStateRows(), tmp_path)
    assert _bid(exchange.quote(SYMBOL, NOON)) == 100
    assert _bid(exchange.quote("ETH/USDT", NOON + 2 * SECOND)) == 3
    again = PaperExchange.restore(an_account(replay), stored(exchange), tmp_path)
    assert _bid(again.quote("ETH/USDT", NOON + 3 * SECOND)) == 4


def _bid(quote: Quote | None) -> Decimal:
    assert quote is not None
    return quote.bid


async def test_a_missing_tape_has_no_price(tmp_path: Path) -> None:
    exchange = PaperExchange.restore(
        an_account(ReplaySettings(file=("no.csv",))), ExchangeStateRows(), tmp_path
    )
    with pytest.raises(Invalid, match=r"no\.csv") as caught:
        await exchange.call("fetch_ticker", [SYMBOL], {}, NOON)
    assert (caught.value.code, caught.value.reason) == ("no_price", "tape_not_found")
    assert exchange.quote(SYMBOL, NOON) is None
    (report,) = await exchange.place(a_buy(None), NOON)
    assert (report.kind, report.code) == (ReportKind.REJECTED, "no_price")


async def test_a_broken_tape_keeps_its_last_price(tmp_path: Path) -> None:
    account = an_account(a_tape(tmp_path, "100 101 x 103"))
    exchange = PaperExchange.restore(account, ExchangeStateRows(), tmp_path)
    late = NOON + 60 * SECOND
    assert _bid(exchange.quote(SYMBOL, NOON)) == 100
    for _ in range(2):
        with pytest.raises(Invalid, match="line 4"):
            await exchange.call("fetch_ticker", [SYMBOL], {}, late)
    reports = await exchange.place(a_buy(None), late)
    assert [r.execution.price for r in reports if r.execution is not None] == [101]


async def test_an_empty_tape(tmp_path: Path) -> None:
    (tmp_path / "tape.csv").write_text("ts,bid,ask\n")
    exchange = PaperExchange.restore(
        an_account(ReplaySettings(file=("tape.csv",), loop=True)), ExchangeStateRows(), tmp_path
    )
    with pytest.raises(Invalid) as caught:
        await exchange.call("fetch_ticker", [SYMBOL], {}, NOON)
    assert caught.value.reason == "tape_empty"


async def test_the_final_state_does_not_depend_on_the_polling_interval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = an_account(ReplaySettings(file=write_tapes(tmp_path, seconds=60)))
    hashes = set()
    for bound in (1, 7, 5000):
        monkeypatch.setattr(paper_engine, "TAPE_UPDATES_MAX", bound)
        exchange = PaperExchange.restore(account, ExchangeStateRows(), tmp_path)
        await exchange.place(a_buy("61803", qty="1.5"), NOON)
        for _ in range(700):
            await exchange.poll_reports(NOON + 90 * SECOND)
            exchange.quote(SYMBOL, NOON + 90 * SECOND)  # without open orders the tape is not polled
        hashes.add(exchange.state_hash())
        assert stored(exchange).trades, "the tape must reach the order"
    assert len(hashes) == 1


def test_scenarios_cannot_update_prices_of_other_sources(tmp_path: Path) -> None:
    engine = PaperEngine(an_account(a_tape(tmp_path)), ExchangeStateRows(), tmp_path)
    update = next(iter(TapeReplay(tmp_path, SYMBOL, a_tape(tmp_path)).updates(NOON, 1)))
    with pytest.raises(Invalid, match="comes from replay"):
        process_input(engine, update)
    assert process_input(engine, Deposit(currency="BTC", amount=Decimal(1), at=NOON))


async def test_the_stored_position_of_a_tape_keeps_its_keys(tmp_path: Path) -> None:
    account = an_account(a_tape(tmp_path, "100 101 97 105"))
    exchange = PaperExchange.restore(account, ExchangeStateRows(), tmp_path)
    await exchange.place(a_buy("98"), NOON)
    position = json.loads(stored(exchange).prices[SYMBOL])["tape"]
    assert position.keys() == {"of", "start", "taken", "before"}
