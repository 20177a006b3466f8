"""History of contracts by ids: complete whether or not the venue cuts a list to its last days."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import now
from kit.exchanges.scripted_venue import ScriptedVenue
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.sync.activity_reader import ActivityReader
from oms.adapters.ccxt.sync.list_reader import TRADES, ListReader
from oms.adapters.ccxt.sync.raw_row_buffer import RawRowBuffer
from oms.adapters.ccxt.venues.account_sections import AccountSection
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.domain.instrument import InstrumentKind

SYMBOL = "BTC/USDT:USDT"
SECTION = AccountSection(
    name="linear",
    params={"type": "swap"},
    symbols=frozenset({SYMBOL}),
    kind=InstrumentKind.LINEAR,
)
WEEK = timedelta(days=7)


def ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


@dataclass
class IncomeVenue(ScriptedVenue):
    """Trades, one a page, and their income; ``cuts`` lists by ids to the last days."""

    times: list[datetime] = field(default_factory=list)
    income: list[datetime] = field(default_factory=list)
    cuts: bool = False
    refusal: ReadFailed | None = None
    asked: list[str] = field(default_factory=list)

    exchange: Any = field(default_factory=lambda: SimpleNamespace(safe_symbol=lambda *_: SYMBOL))

    async def read(self, method: str, *args: Any, **kwargs: Any) -> Any:
        since, params = args[1], args[3]
        if method == "fetch_ledger":
            self.asked.append("income")
            if self.refusal is not None:
                raise self.refusal
            times = [at for at in self.income if since <= ms(at) <= params["until"]]
            return [{"timestamp": ms(at), "info": {"symbol": "BTCUSDT"}} for at in times][: args[2]]
        rows = [
            {"id": str(number), "symbol": SYMBOL, "timestamp": ms(at)}
            for number, at in enumerate(self.times, 1)
        ]
        if "fromId" in params:
            self.asked.append("ids")
            start = ms(now() - WEEK) if self.cuts else 0
            rows = [row for row in rows if int(str(row["id"])) >= params["fromId"]]
            return [row for row in rows if int(str(row["timestamp"])) >= start][: args[2]]
        self.asked.append("span")
        rows = [row for row in rows if since <= int(str(row["timestamp"])) <= params["until"]]
        return rows[: args[2]]


async def read_trades(venue: IncomeVenue, days: int = 30) -> list[str]:
    """The ids of the trades of the last ``days``, as the reader finds them and keeps them raw."""
    profile, raw_rows, until = get_profile("binance"), RawRowBuffer("binance"), now()
    activity = ActivityReader(venue, profile)
    reader = ListReader(venue, profile, lambda: [SYMBOL], raw_rows, activity)
    since = until - timedelta(days=days)
    await activity.read(SECTION, since, until)
    rows = await reader.history(TRADES, SECTION, since, until, {}, ())
    names = sorted(str(row["id"]) for row in rows)
    assert sorted(str(each.row["id"]) for each in raw_rows.take()) == names
    return names


def ago(*days: float) -> list[datetime]:
    return [now() - timedelta(days=each) for each in days]


@pytest.mark.parametrize("cuts", [False, True])
async def test_trades_older_than_the_last_days_are_found(cuts: bool) -> None:
    venue = IncomeVenue(times=ago(40, 20, 9, 1), income=ago(20, 9, 1), cuts=cuts)
    assert await read_trades(venue) == ["2", "3", "4"], "and none from before the span"
    spans = ["span"] * 4 if cuts else []
    assert venue.asked == ["income", "ids", *spans]


async def test_a_symbol_that_was_idle_before_the_last_days_takes_one_request() -> None:
    venue = IncomeVenue(times=ago(3, 1), income=ago(3, 1), cuts=True)
    assert await read_trades(venue) == ["1", "2"]
    assert venue.asked == ["income", "ids"]


async def test_a_position_opened_without_a_fee_has_its_first_income_later() -> None:
    """Some contracts have no fee: the first income is then of funding, or of the close."""
    venue = IncomeVenue(times=ago(7.1, 6.9), income=ago(6.9), cuts=True)
    assert await read_trades(venue) == ["1", "2"]


async def test_income_that_does_not_reach_back_leaves_only_that_time_to_spans() -> None:
    """Income is kept for 90 days, an hour less is asked for."""
    venue = IncomeVenue(times=ago(120, 1), income=ago(1), cuts=True)
    assert await read_trades(venue, days=91) == ["2"]
    assert venue.asked == ["income", "ids", "span"]


@pytest.mark.parametrize("code", ["too long", "auth_failed"])
async def test_without_income_the_spans_are_read(code: str) -> None:
    refusal = ReadFailed(code, "refused", retryable=False) if code == "auth_failed" else None
    income = [now() - timedelta(minutes=each) for each in range(5001)][::-1]
    venue = IncomeVenue(times=ago(9), income=income, cuts=True, refusal=refusal)
    assert await read_trades(venue) == ["1"]
    assert [each for each in venue.asked if each != "income"] == ["ids", *["span"] * 4]


async def test_many_trades_are_read_by_spans() -> None:
    """The first id may be long before the span: no more pages are read than there are spans."""
    venue = IncomeVenue(times=[now() - timedelta(minutes=each) for each in range(90_005, 0, -15)])
    assert len(await read_trades(venue)) == 30 * 24 * 4
    assert venue.asked == ["income", *["ids"] * 5, *["span"] * 5]
