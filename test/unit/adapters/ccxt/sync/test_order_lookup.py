"""Orders that conditional orders placed: their ids are read once, and not kept without end."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import TAG, now
from kit.exchanges.scripted_venue import INSTRUMENTS, LINEAR, ScriptedVenue
from oms.adapters.ccxt.orders.client_order_ids import ClientOrderIdCodec
from oms.adapters.ccxt.orders.order_cache import OrderCache
from oms.adapters.ccxt.parsing.order_snapshot import OrderSnapshot
from oms.adapters.ccxt.sync import raw_row_buffer
from oms.adapters.ccxt.sync.order_lookup import OrderLookup
from oms.adapters.ccxt.venues.order_status import VenueOrderStatus
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.domain.instrument import InstrumentKind
from oms.domain.side import Side
from oms.domain.value import evolve

SPOT = "BTC/USDT"


@dataclass
class SubOrderVenue(ScriptedVenue):
    """It says which order a stop placed; ``asked`` has the stops."""

    asked: list[str] = field(default_factory=list)

    async def read(self, method: str, *args: Any, **kwargs: Any) -> Any:
        assert method == "request"
        self.asked.append(args[3]["planOrderId"])
        return {"data": [{"orderId": f"placed by {self.asked[-1]}"}]}


def a_stop(name: str) -> OrderSnapshot:
    return OrderSnapshot(
        exchange_order_id=name,
        client_id=None,
        symbol=SPOT,
        side=Side.SELL,
        order_type="stop_market",
        status=VenueOrderStatus.TRIGGERED,
        raw_status="executed",
        qty=Decimal(1),
        filled=Decimal(0),
        average=None,
        price=None,
        trigger_price=Decimal(100),
        reduce_only=False,
        is_waiting=False,
        is_conditional=True,
        reason="external",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        updated_at=None,
    )


async def test_the_latest_placed_orders_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_row_buffer, "ROWS_MAX", 2)
    venue = SubOrderVenue(
        instruments={SPOT: evolve(INSTRUMENTS[LINEAR], symbol=SPOT, kind=InstrumentKind.SPOT)}
    )
    orders = OrderCache(ClientOrderIdCodec(TAG))
    lookup = OrderLookup(venue, "bitget", get_profile("bitget"), now, orders)
    for name in ("s1", "s2", "s3", "s2", "s3", "s1"):
        assert await lookup.placed_order_id(a_stop(name)) == f"placed by {name}"
    assert venue.asked == ["s1", "s2", "s3", "s1"]
