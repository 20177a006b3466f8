"""Own conditional orders in lists without client order ids: known again, or not touched."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import TAG
from oms.adapters.ccxt.orders.client_order_ids import ClientOrderIdCodec
from oms.adapters.ccxt.orders.order_cache import OrderCache, TrackedOrder
from oms.adapters.ccxt.parsing.order_snapshot import OrderSnapshot
from oms.adapters.ccxt.sync.tagged_orders import TaggedOrders
from oms.adapters.ccxt.venues.order_status import VenueOrderStatus
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.adapters.ccxt.venues.trigger_tag import TriggerTag
from oms.domain.instrument import InstrumentKind
from oms.domain.side import Side
from oms.domain.value import evolve

SENT_AT = datetime(2026, 1, 1, tzinfo=UTC)
CODEC = ClientOrderIdCodec(TAG, is_short=True)
SPOT = frozenset({InstrumentKind.SPOT})
ROW = OrderSnapshot(
    exchange_order_id="77",
    client_id=None,
    symbol="BTC/USDT",
    side=Side.SELL,
    order_type="stop_limit",
    status=VenueOrderStatus.OPEN,
    raw_status="open",
    qty=Decimal(1),
    filled=Decimal(0),
    average=None,
    price=Decimal(99),
    trigger_price=Decimal(100),
    reduce_only=False,
    is_waiting=True,
    is_conditional=True,
    tag="80000",
    reason="external",
    created_at=SENT_AT,
    updated_at=None,
)
NAMED = evolve(ROW, client_id=CODEC.encode(1, 1))


def an_order(number: int = 1, **changes: Any) -> TrackedOrder:
    """An own stop that was sent, and whose reply was lost."""
    terms = {"qty": Decimal(1), "price": Decimal(99), "created_at": SENT_AT} | changes
    return TrackedOrder(
        order_id=number,
        symbol="BTC/USDT",
        side=Side.SELL,
        order_type="stop_limit",
        client_id=CODEC.encode(number, 1),
        params={"stopLossPrice": "100", "expiration": 80_000},
        **terms,
    )


def tagged(*orders: TrackedOrder) -> TaggedOrders:
    cache = OrderCache(CODEC)
    for each in orders:
        cache.add(each)
    return TaggedOrders(cache, get_profile("gate").tag_of(InstrumentKind.SPOT))


def test_the_row_with_all_terms_is_the_order() -> None:
    orders = tagged(an_order(), an_order(2, qty=Decimal(2)))
    assert orders.named([ROW]) == [evolve(ROW, client_id=CODEC.encode(1, 1))]


@pytest.mark.parametrize(
    "changes",
    [
        {"side": Side.BUY},
        {"qty": Decimal(2)},
        {"price": Decimal(98)},
        {"trigger_price": Decimal(101)},
        {"symbol": "ETH/USDT"},
        {"created_at": SENT_AT - timedelta(minutes=2)},
        {"created_at": None},
        {"client_id": "another"},
        {"is_conditional": False},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_row_with_another_term_is_not(changes: dict[str, Any]) -> None:
    orders, row = tagged(an_order()), evolve(ROW, **changes)
    assert orders.named([row]) == [row]
    assert not orders.is_unclear(row)


def test_a_row_with_another_tag_is_neither_the_order_nor_a_proof_that_there_is_none() -> None:
    """Should a venue change the time that it was sent, the order stays in doubt."""
    order, row = an_order(), evolve(ROW, tag="80001")
    orders = tagged(order)
    assert orders.named([row]) == [row] and orders.is_unclear(row)
    order.is_ended = True
    assert not orders.is_unclear(row), "an order that the exchange refused is in no list"
    assert orders.is_unclear(evolve(ROW, tag="80000"))


class UnreadOrders(OrderCache):
    """Orders that nothing may go through: a day has many."""

    def __iter__(self) -> Iterator[TrackedOrder]:
        raise AssertionError("the orders were searched")


@pytest.mark.parametrize(
    ("tag", "row"),
    [(None, evolve(ROW, is_conditional=False)), (get_profile("gate").trigger_tag, NAMED)],
    ids=["no tags", "a client order id"],
)
def test_rows_that_need_no_tag_cost_no_search(tag: TriggerTag | None, row: OrderSnapshot) -> None:
    orders = TaggedOrders(UnreadOrders(CODEC), tag)
    assert orders.named([row]) == [row]
    assert not orders.is_unclear(row)


def test_of_two_rows_or_two_orders_none_is_chosen() -> None:
    """Neither is the order declared found, nor is a row reported as one of another program."""
    rows = [ROW, evolve(ROW, exchange_order_id="78")]
    one, two = tagged(an_order()), tagged(an_order(), an_order(2))
    assert one.named(rows) == rows and all(map(one.is_unclear, rows))
    assert two.named([ROW]) == [ROW] and two.is_unclear(ROW)


def test_a_row_of_an_order_with_a_known_id_belongs_to_it() -> None:
    known = an_order(exchange_order_id="77")
    orders = tagged(known, an_order(2))
    assert orders.named([ROW]) == [evolve(ROW, client_id=known.client_id)]
    other = evolve(ROW, exchange_order_id="78")
    assert orders.named([ROW, other])[1].client_id == CODEC.encode(2, 1)


def test_tags_differ_and_shorten_the_time_by_an_eighth_at_most() -> None:
    tag = TriggerTag(kinds=SPOT, param="expiration", default=86_400)
    sent = [tag.seconds(CODEC.encode(number, 1), {}) for number in range(1, 1001)]
    assert min(sent) > 75_600 and max(sent) <= 86_400 and len(set(sent)) > 900
    assert tag.seconds(CODEC.encode(1, 1), {}) == sent[0], "the same each time"
    assert tag.seconds(CODEC.encode(1, 1), {"expiration": 604_800}) > 529_000
    assert [tag.is_valid({"expiration": each}) for each in (8, 7, "600", True, 1.5)] == [
        *(True, False, False, False, False)
    ]
