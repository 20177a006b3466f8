"""A list of funding payments that is refused for a time: nothing of it is lost."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import CcxtHarness
from kit.exchanges.scripted_venue import LINEAR, ScriptedVenue, a_trade_row
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.parsing.fields import to_milliseconds
from oms.adapters.ccxt.sync import funding_reader
from oms.adapters.ccxt.sync.funding_reader import RETRY_INTERVAL, FundingReader
from oms.adapters.ccxt.sync.raw_row_buffer import RawRowBuffer
from oms.adapters.ccxt.venues.account_sections import AccountSection
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.domain.instrument import InstrumentKind

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SECTION = AccountSection(
    name="linear", params={}, symbols=frozenset({LINEAR}), kind=InstrumentKind.LINEAR
)


@dataclass
class FundingVenue(ScriptedVenue):
    """It has a list of funding payments, which it may refuse."""

    paid_at: list[datetime] = field(default_factory=list)
    refuses: bool = True
    #: How often it returned the list.
    lists_read: int = 0
    #: Conditional orders that ended cannot be read.
    loses_triggers: bool = False

    async def read(self, method: str, *args: Any, **kwargs: Any) -> Any:
        params = args[-1] if args and isinstance(args[-1], dict) else {}
        if self.loses_triggers and method == "fetch_closed_orders" and "trigger" in params:
            raise ReadFailed("exchange_unavailable", "reset", retryable=True)
        if method != "fetch_funding_history":
            return await super().read(method, *args, **kwargs)
        if self.refuses:
            raise ReadFailed("auth_failed", "no permission", retryable=False)
        self.lists_read += 1
        return [_row(at) for at in self.paid_at if to_milliseconds(at) >= args[1]]


def _row(at: datetime) -> dict[str, Any]:
    return {
        "id": str(to_milliseconds(at)),
        "symbol": LINEAR,
        "timestamp": to_milliseconds(at),
        "amount": -1,
        "code": "USDT",
        "info": {"income": "-1", "time": to_milliseconds(at), "balance": "10", "change": "-1"},
    }


@pytest.fixture
def venue() -> FundingVenue:
    return FundingVenue()


@pytest.fixture
def reader(venue: FundingVenue) -> FundingReader:
    return FundingReader(venue, "binance", get_profile("binance"), RawRowBuffer("binance"))


async def read(
    reader: FundingReader, since: datetime, until: datetime, now: datetime
) -> list[datetime] | None:
    paid = await reader(SECTION, since, until, now, [LINEAR], has_legs=False)
    return None if paid is None else [each.executed_at for each in paid]


async def test_a_pass_over_a_past_period_leaves_the_rest_to_be_read(
    venue: FundingVenue, reader: FundingReader
) -> None:
    """The list is read again by a pass that ends before the payments that are missing."""
    venue.paid_at = [NOW - 3 * DAY, NOW - DAY]
    assert await read(reader, NOW - 5 * DAY, NOW, NOW) is None
    venue.refuses = False
    now = NOW + RETRY_INTERVAL
    assert await read(reader, NOW - 4 * DAY, NOW - 2 * DAY, now) == [NOW - 3 * DAY]
    assert reader.unavailable_reason is None
    assert await read(reader, now - timedelta(minutes=1), now, now) == venue.paid_at
    assert await read(reader, now - timedelta(minutes=1), now, now) == [], "only once"


async def test_a_clock_that_is_set_back_delays_no_retry(
    venue: FundingVenue, reader: FundingReader
) -> None:
    venue.paid_at = [NOW - 2 * DAY]
    assert await read(reader, NOW - 3 * DAY, NOW, NOW) is None
    venue.refuses = False
    assert await read(reader, NOW - 3 * DAY, NOW, NOW + RETRY_INTERVAL / 2) is None, "within it"
    assert await read(reader, NOW - 3 * DAY, NOW - DAY, NOW - DAY) == venue.paid_at


async def test_payments_of_a_pass_that_fails_later_are_reported(
    venue: FundingVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next pass reads the list from its own start only."""
    monkeypatch.setattr(funding_reader, "RETRY_INTERVAL", timedelta(0))
    now = datetime.now(UTC)
    venue.paid_at = [(now - 2 * DAY).replace(microsecond=0)]
    harness = (
        await CcxtHarness(make_client=lambda: venue, exchange_id="ccxt.gate").start().wait_ready()
    )
    harness.exchange.start_snapshot(now - 3 * DAY)
    await harness.wait_until(lambda: harness.snapshots, "without funding")
    assert harness.exchange.take_charges() == []
    venue.refuses, venue.loses_triggers = False, True
    venue.trades = [a_trade_row("t1", "y1", at=to_milliseconds(now))]
    harness.exchange.start_snapshot(now - timedelta(minutes=1))
    await harness.wait_until(lambda: venue.lists_read > 1, "a pass failed after it")
    venue.loses_triggers = False
    await harness.wait_until(lambda: len(harness.snapshots) > 1, "the pass is repeated")
    await harness.exchange.close()
    paid = [each.executed_at for each in harness.exchange.take_charges() if each.amount == -1]
    assert paid == venue.paid_at
