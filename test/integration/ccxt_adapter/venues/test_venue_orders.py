"""Orders at five venues through real ccxt: what is sent, and how a lost order is found again.

The rows are recorded ones with an id and a time of the test; KuCoin's are as documented.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import TAG
from kit.exchanges.recorded_payloads import make_own_row, response_body
from kit.exchanges.stub_exchange import LOST, ReceivedRequest
from oms.adapters.ccxt.orders.client_order_ids import ClientOrderIdCodec
from oms.adapters.ccxt.orders.order_cache import TrackedOrder
from oms.adapters.ccxt.sync.order_lookup import OrderAbsent, OrderFound
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.domain.money import parse_decimal
from oms.domain.side import Side

pytestmark = pytest.mark.recorded
Places = Callable[[str], Any]


@dataclass(frozen=True)
class Talk:
    """How one order is placed and found: routes, the field of the client order id, what is sent."""

    venue: str
    symbol: str
    place: str
    #: The key of the client order id in the request, and the prefix there.
    name_key: str
    amount: tuple[str, Any]
    qty: str
    #: The recorded row, the route that returns it, and the fields of its request.
    row: tuple[str, int]
    route: str
    asked: Mapping[str, str]
    exchange_id: str
    before: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""


_okx = partial(
    Talk,
    venue="okx",
    place="POST /api/v5/trade/order",
    name_key="clOrdId",
    route="GET /api/v5/trade/order",
)
_kraken = partial(
    Talk,
    venue="kraken",
    symbol="BTC/USDT",
    place="POST /0/private/AddOrder",
    name_key="cl_ord_id",
    amount=("volume", "0.5"),
    qty="0.5",
    asked={},
)
_gate = partial(Talk, venue="gate", name_key="text", before="t-")
_gate_spot = partial(
    _gate,
    symbol="ETH/USDT",
    place="POST /api/v4/spot/orders",
    amount=("amount", "0.01"),
    qty="0.01",
    exchange_id="95282841887",
)
_kucoin = partial(Talk, venue="kucoin", name_key="clientOid")
_bitget = partial(Talk, venue="bitget", name_key="clientOid")
TALKS = [
    _okx(
        symbol="ETH/USDT",
        amount=("sz", "0.001"),
        qty="0.001",
        row=("okx", 0),
        asked={"instId": "ETH-USDT"},
        exchange_id="317251910906576896",
        more={"tdMode": "cash", "ordType": "limit", "px": "2000"},
        id="okx-spot",
    ),
    _okx(
        symbol="BTC/USDT:USDT",
        amount=("sz", "0.1"),  # contracts of 0.01
        qty="0.001",
        row=("okx", 10),
        asked={"instId": "BTC-USDT-SWAP"},
        exchange_id="1234567890123456789",
        more={"tdMode": "cross"},
        id="okx-swap",
    ),
    _kraken(
        row=("kraken_open", 0),
        route="POST /0/private/OpenOrders",
        exchange_id="O26VBY-ISGAE-JP5TLU",
        more={"ordertype": "limit", "type": "buy"},
        id="kraken-spot",
    ),
    _kraken(
        row=("kraken_closed", 0),
        route="POST /0/private/ClosedOrders",
        exchange_id="O5KZFT-GH3AD-LP6TLU",
        id="kraken-ended",
    ),
    _gate_spot(
        row=("gate", 0),
        route="GET /api/v4/spot/open_orders",
        asked={"currency_pair": "ETH_USDT"},
        id="gate-spot",
    ),
    _gate_spot(
        row=("gate", 8),
        route="GET /api/v4/spot/orders",
        asked={"status": "finished"},
        id="gate-ended",
    ),
    _gate(
        symbol="ETH/USDT:USDT",
        place="POST /api/v4/futures/usdt/orders",
        amount=("size", 1),  # contracts of 0.01
        qty="0.01",
        row=("gate", 1),
        route="GET /api/v4/futures/usdt/orders",
        asked={"contract": "ETH_USDT", "status": "open"},
        exchange_id="95938572327",
        id="gate-swap",
    ),
    _kucoin(
        symbol="LTC/USDT",
        place="POST /api/v1/hf/orders",
        amount=("size", "0.1"),
        qty="0.1",
        row=("kucoin_spot", 0),
        route="GET /api/v1/hf/orders/client-order/*",
        asked={"symbol": "LTC-USDT"},
        exchange_id="6478cf1439bdfc0001528a1d",
        id="kucoin-spot",
    ),
    _kucoin(
        symbol="BTC/USDT:USDT",
        place="POST /api/v1/orders",
        amount=("size", 1),  # contracts of 0.001
        qty="0.001",
        row=("kucoin_swap", 0),
        route="GET /api/v1/orders/byClientOid",
        asked={},
        exchange_id="64507d02921f1c0001ff6892",
        more={"leverage": 1},
        id="kucoin-swap",
    ),
    _bitget(
        symbol="BTC/USDT",
        place="POST /api/v2/spot/trade/place-order",
        amount=("size", "0.0002"),
        qty="0.0002",
        row=("bitget", 3),
        route="GET /api/v2/spot/trade/orderInfo",
        asked={},
        exchange_id="1111461743123927040",
        id="bitget-spot",
    ),
    _bitget(
        symbol="BTC/USDT:USDT",
        place="POST /api/v2/mix/order/place-order",
        amount=("size", "0.001"),
        qty="0.001",
        row=("bitget", 4),
        route="GET /api/v2/mix/order/detail",
        asked={"symbol": "BTCUSDT", "productType": "USDT-FUTURES"},
        exchange_id="1111465253393825792",
        id="bitget-swap",
    ),
]
#: Every list that is searched before an order counts as absent.
LISTS = {
    "okx-spot": {"orders-pending", "orders-algo-pending", "orders-history"},
    "okx-swap": {"orders-pending", "orders-algo-pending", "orders-history"},
    "kraken-spot": {"OpenOrders", "ClosedOrders", "TradesHistory"},
    "gate-spot": {"open_orders", "price_orders", "orders", "my_trades"},
    "gate-swap": {"orders", "price_orders", "orders_timerange", "my_trades_timerange"},
    "kucoin-spot": {"active", "done", "stop-order", "fills"},
    "kucoin-swap": {"orders", "stopOrders", "fills"},
    "bitget-spot": {"unfilled-orders", "current-plan-order", "history-orders", "fills"},
    "bitget-swap": {"orders-pending", "orders-plan-pending", "orders-history", "fills"},
}


@pytest.mark.parametrize("talk", TALKS, ids=lambda talk: talk.id)
async def test_an_order_with_a_lost_reply_is_found_by_client_id(
    talk: Talk, places: Places, recorded_data: Path
) -> None:
    """The client order id is sent as the venue requires it; the order found under it is tracked."""
    place = places(talk.venue)
    sent: list[Any] = []

    def taken(asked: ReceivedRequest) -> Any:
        sent.append(asked.fields)
        return LOST

    def shown(asked: ReceivedRequest) -> Any:
        row = make_own_row(recorded_data, talk.row, sent[0][talk.name_key]) if sent else None
        return response_body(talk.venue, talk.route, row)

    place.venue.answers |= {talk.place: taken, talk.route: shown}
    harness = await place.harness()
    price = "29500" if talk.venue == "kraken" else "2000"
    await harness.send(1, "buy", talk.qty, price, symbol=talk.symbol)
    await harness.wait_until(lambda: harness.orders[1].exchange_order_id, "adopted")
    await harness.exchange.close()
    assert harness.orders[1].exchange_order_id == talk.exchange_id
    assert len(sent) == 1
    name = ClientOrderIdCodec(TAG, is_short=get_profile(talk.venue).has_short_client_ids).encode(
        1, 1
    )
    assert harness.attempts[1, 1, "place"].client_id == name
    assert sent[0][talk.name_key] == talk.before + name
    assert sent[0][talk.amount[0]] == talk.amount[1]
    assert {key: sent[0][key] for key in talk.more} == talk.more
    looked = place.venue.sent(talk.route)[-1]
    assert {key: looked.fields[key] for key in talk.asked} == talk.asked
    if get_profile(talk.venue).lookup_method == "by_param":
        assert name in (*map(str, looked.fields.values()), looked.path.rpartition("/")[2])


def tracked_order(talk: Talk, **changes: Any) -> TrackedOrder:
    """An order without an exchange id."""
    fields: dict[str, Any] = {
        "order_id": 1,
        "symbol": talk.symbol,
        "side": Side.BUY,
        "order_type": "limit",
        "qty": parse_decimal(talk.qty),
        "price": parse_decimal("2000"),
        "created_at": datetime.now(UTC),
        "client_id": ClientOrderIdCodec(
            TAG, is_short=get_profile(talk.venue).has_short_client_ids
        ).encode(1, 1),
    }
    return TrackedOrder(**(fields | changes))


@pytest.mark.parametrize("talk", [t for t in TALKS if t.id in LISTS], ids=lambda talk: talk.id)
async def test_an_order_is_absent_after_open_and_closed_lists_were_searched(
    talk: Talk, places: Places
) -> None:
    """Under each list that the venue has, conditional ones included; then it is complete."""
    place = places(talk.venue)
    client = await place.opened()
    finder = place.lookup(client)
    place.venue.requests.clear()
    found = await finder.find(tracked_order(talk))
    assert found == OrderAbsent(is_complete=True)
    searched = {asked.path.rpartition("/")[2] for asked in place.venue.requests}
    assert LISTS[talk.id] <= searched
    if talk.venue == "okx":
        states = {a.fields["state"] for a in place.venue.sent("GET /api/v5/trade/orders-history")}
        assert states == {"filled", "canceled"}


@pytest.mark.parametrize("talk", [t for t in TALKS if t.id in LISTS], ids=lambda talk: talk.id)
async def test_a_lookup_that_can_prove_nothing_is_one_request(talk: Talk, places: Places) -> None:
    """While the request may still be executed, executions are not searched for the order."""
    place = places(talk.venue)
    client = await place.opened()
    finder = place.lookup(client)
    place.venue.requests.clear()
    assert await finder.find(tracked_order(talk)) == OrderAbsent(is_complete=True)
    whole = len(place.venue.requests)
    place.venue.requests.clear()
    assert await finder.find(tracked_order(talk), prove_absence=False) == OrderAbsent(
        is_complete=False
    )
    assert len(place.venue.requests) < whole


@pytest.mark.parametrize("talk", [t for t in TALKS if t.id == "gate-spot"], ids=lambda t: t.id)
async def test_a_list_that_may_be_truncated_proves_nothing(
    talk: Talk, places: Places, recorded_data: Path
) -> None:
    """A full page of open orders: the order may be behind it."""
    place = places(talk.venue)
    rows = [
        make_own_row(recorded_data, talk.row, f"t-other{number}") | {"id": str(number)}
        for number in range(100)
    ]
    place.venue.answers["GET /api/v4/spot/open_orders"] = [{"orders": rows}]
    client = await place.opened()
    found = await place.lookup(client).find(tracked_order(talk))
    assert found == OrderAbsent(is_complete=False)


async def test_closed_orders_are_paged_backwards(places: Places, recorded_data: Path) -> None:
    """Kraken returns the newest fifty: the order is behind them, after an offset."""
    talk = next(each for each in TALKS if each.id == "kraken-ended")
    place, one = places("kraken"), tracked_order(talk)

    def closed(asked: ReceivedRequest) -> Any:
        start = int(asked.fields.get("ofs", 0))
        names = ["other"] * 60 + [str(one.client_id)]
        rows = {
            f"O{number}": make_own_row(recorded_data, talk.row, names[number])
            for number in range(start, min(start + 50, len(names)))
        }
        return {"error": [], "result": {"closed": rows}}

    place.venue.answers["POST /0/private/ClosedOrders"] = closed
    client = await place.opened()
    found = await place.lookup(client).find(one)
    assert isinstance(found, OrderFound) and found.order is not None
    assert found.order.exchange_order_id == "O60"
    assert [a.fields.get("ofs") for a in place.venue.sent("POST /0/private/ClosedOrders")] == [
        None,
        "50",
    ]
