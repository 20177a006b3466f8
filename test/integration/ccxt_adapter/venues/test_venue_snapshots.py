"""Rows of five venues: conditional orders, unusual statuses, executions with fees, positions."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kit.exchanges.recorded_payloads import load_raw_row
from oms.adapters.ccxt.orders.ccxt_calls import build_cancel_call
from oms.adapters.ccxt.orders.order_cache import TrackedOrder
from oms.adapters.ccxt.parsing.holdings import parse_position
from oms.adapters.ccxt.parsing.order_snapshot import OrderSnapshot, parse_order
from oms.adapters.ccxt.parsing.trade_snapshot import parse_trades
from oms.adapters.ccxt.sync.account_reader import AccountReader
from oms.adapters.ccxt.sync.order_lookup import OrderFound
from oms.adapters.ccxt.sync.raw_row_buffer import RawRowBuffer
from oms.adapters.ccxt.venues.order_status import VenueOrderStatus
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.domain.side import Side

pytestmark = pytest.mark.recorded
Places = Callable[[str], Any]
KUCOIN_STOP = {
    "id": "vs9f6ou9e864rgq8000t4qnm",
    "symbol": "LTC-USDT",
    "status": "NEW",
    "type": "market",
    "side": "sell",
    "price": None,
    "size": "1",
    "clientOid": "5d3fd727-6456-438d-9550-40d9d85eee0b",
    "createdAt": 1674146316994,
    "stop": "loss",
    "stopTriggerTime": None,
    "stopPrice": "0.97",
}
#: Venue, recorded order, the list that has it, and the fields of its cancel.
STOPS: list[tuple[str, int | None, str, Callable[[Any], Any], str, Callable[[Any], Any]]] = [
    (
        "okx",
        7,
        "GET /api/v5/trade/orders-algo-pending",
        lambda row: {"code": "0", "data": [row]},
        "POST /api/v5/trade/cancel-algos",
        lambda asked: asked.fields == [{"algoId": "123456789", "instId": "BTC-USDT-SWAP"}],
    ),
    (
        "gate",
        4,
        "GET /api/v4/spot/price_orders",
        lambda row: [row],
        "DELETE /api/v4/spot/price_orders/71639298",
        lambda asked: True,
    ),
    (
        "kucoin",
        None,
        "GET /api/v1/stop-order",
        lambda row: {"code": "200000", "data": {"items": [row]}},
        "DELETE /api/v1/stop-order/vs9f6ou9e864rgq8000t4qnm",
        lambda asked: True,
    ),
    (
        "bitget",
        0,
        "GET /api/v2/spot/trade/current-plan-order",
        lambda row: {"code": "00000", "data": {"orderList": [row]}},
        "POST /api/v2/spot/trade/cancel-plan-order",
        lambda asked: asked.fields["orderId"] == "1111503385931620352",
    ),
    (
        "bitget",
        7,
        "GET /api/v2/mix/order/orders-plan-pending",
        lambda row: {"code": "00000", "data": {"entrustedList": [row]}},
        "POST /api/v2/mix/order/cancel-plan-order",
        lambda asked: asked.fields["orderIdList"] == [{"orderId": "1111491399869075457"}],
    ),
]
CANCELED = {
    "okx": {"code": "0", "data": [{"algoId": "1", "sCode": "0", "sMsg": ""}]},
    "kucoin": {"code": "200000", "data": {"cancelledOrderIds": ["1"]}},
    "bitget": {"code": "00000", "data": {"result": "success", "successList": [{"orderId": "1"}]}},
    "gate": {"id": 71639298, "status": "canceled", "market": "ADA_USDT", "put": {}, "trigger": {}},
}


def stop_of(folder: Path, venue: str, number: int | None) -> dict[str, Any]:
    return dict(KUCOIN_STOP) if number is None else load_raw_row(folder, venue, "orders", number)


@pytest.mark.parametrize("one", STOPS, ids=lambda one: f"{one[0]}-{one[1]}")
async def test_conditional_orders_are_listed_found_and_canceled(
    one: Any, places: Places, recorded_data: Path
) -> None:
    venue, number, listed, body, cancel, is_asked = one
    place = places(venue)
    place.venue.answers |= {
        listed: body(stop_of(recorded_data, venue, number)),
        cancel: CANCELED[venue],
    }
    client = await place.opened()
    rules = get_profile(venue)
    raw_rows = RawRowBuffer(venue)
    reader = AccountReader(client, venue, rules, lambda: client.instruments, raw_rows)
    snapshot = [each for part in reader.sections() for each in await reader.open_orders(part)]
    stops = {each.exchange_order_id: each for each in snapshot}
    assert len(stops) == 1 and not raw_rows.quarantined_counts
    (stop,) = stops.values()
    assert stop.status is VenueOrderStatus.OPEN and stop.is_waiting and stop.trigger_price
    assert stop.filled == 0
    external = external_order(stop)
    found = await place.lookup(client).find(external)
    assert isinstance(found, OrderFound) and found.order is not None
    assert found.order.exchange_order_id == stop.exchange_order_id
    call = build_cancel_call(external, rules)
    await client.write(call.method, *call.args, params=dict(call.params))
    (asked,) = place.venue.sent(cancel)
    assert is_asked(asked)


def external_order(stop: OrderSnapshot) -> TrackedOrder:
    assert stop.created_at is not None and stop.qty is not None
    return TrackedOrder(
        order_id=0,
        symbol=stop.symbol,
        side=stop.side,
        order_type=stop.order_type,
        qty=stop.qty,
        price=stop.price,
        created_at=stop.created_at,
        exchange_order_id=stop.exchange_order_id,
        is_waiting=True,
    )


def parse_row(client: Any, venue: str, symbol: str, raw_row: Mapping[str, Any]) -> OrderSnapshot:
    """A row of the venue, parsed by ccxt and by the adapter."""
    exchange = client.exchange
    row = exchange.parse_order(dict(raw_row), exchange.market(symbol))
    snapshot = parse_order(row, venue, client.instruments)
    assert snapshot is not None
    return snapshot


SPOT_FILLED = {  # a filled order in KuCoin's classic list
    "id": "5c35c02703aa673ceec2a168",
    "symbol": "LTC-USDT",
    "type": "limit",
    "side": "buy",
    "price": "10",
    "size": "2",
    "dealFunds": "20",
    "dealSize": "2",
    "stop": "",
    "stopTriggered": False,
    "isActive": False,
    "cancelExist": False,
    "createdAt": 1547026471000,
}
#: Venue, symbol, the recorded order (or a row), what is changed in it, and its status.
STATES: list[tuple[str, str, Any, dict[str, Any], VenueOrderStatus]] = [
    ("okx", "ETH/USDT", 0, {"state": "mmp_canceled"}, VenueOrderStatus.CANCELED),
    ("okx", "ETH/USDT", 0, {"state": "settled"}, VenueOrderStatus.UNRECOGNIZED),
    ("okx", "BTC/USDT:USDT", 4, {}, VenueOrderStatus.TRIGGERED),
    ("okx", "BTC/USDT:USDT", 16, {}, VenueOrderStatus.TRIGGERED),  # order_placed
    ("okx", "BTC/USDT:USDT", 17, {}, VenueOrderStatus.CANCELED),
    ("okx", "BTC/USDT:USDT", 14, {"state": "order_failed"}, VenueOrderStatus.REJECTED),
    (
        "gate",
        "ETH/USDT:USDT",
        1,
        {"status": "finished", "finish_as": "ioc"},
        VenueOrderStatus.CANCELED,
    ),
    (
        "gate",
        "ETH/USDT:USDT",
        1,
        {"status": "finished", "finish_as": "stp"},
        VenueOrderStatus.CANCELED,
    ),
    (
        "gate",
        "ETH/USDT:USDT",
        1,
        {"status": "finished", "finish_as": "filled"},
        VenueOrderStatus.FILLED,
    ),
    (
        "gate",
        "ETH/USDT:USDT",
        1,
        {"status": "finished", "finish_as": "eaten"},
        VenueOrderStatus.UNRECOGNIZED,
    ),
    ("gate", "ADA/USDT", 4, {"status": "finish"}, VenueOrderStatus.TRIGGERED),
    ("kucoin", "LTC/USDT", SPOT_FILLED, {}, VenueOrderStatus.FILLED),
    ("kucoin", "LTC/USDT", SPOT_FILLED, {"cancelExist": True}, VenueOrderStatus.CANCELED),
    ("kucoin", "LTC/USDT", SPOT_FILLED, {"isActive": True}, VenueOrderStatus.OPEN),
    ("bitget", "BTC/USDT", 3, {"status": "partially_filled"}, VenueOrderStatus.OPEN),
    ("bitget", "BTC/USDT", 3, {"status": "sleeping"}, VenueOrderStatus.UNRECOGNIZED),
    ("bitget", "BTC/USDT:USDT", 7, {"planStatus": "executed"}, VenueOrderStatus.TRIGGERED),
    ("bitget", "BTC/USDT:USDT", 7, {"planStatus": "fail_trigger"}, VenueOrderStatus.REJECTED),
]


async def test_statuses_by_the_venue_s_own_texts(places: Places, recorded_data: Path) -> None:
    """An unlisted status ends nothing; a met trigger executes nothing of its own order."""
    clients = {name: await places(name).opened() for name in ("okx", "gate", "kucoin", "bitget")}
    for venue, symbol, which, changes, meant in STATES:
        raw_row = (
            dict(which)
            if isinstance(which, dict)
            else load_raw_row(recorded_data, venue, "orders", which)
        )
        snapshot = parse_row(clients[venue], venue, symbol, raw_row | changes)
        assert snapshot.status is meant, (venue, which, changes, snapshot.raw_status)
        if meant in (VenueOrderStatus.CANCELED, VenueOrderStatus.REJECTED):
            assert snapshot.filled == 0 or which is SPOT_FILLED, (venue, which, changes)


async def test_an_order_placed_by_a_conditional_one_has_its_own_id(
    places: Places, recorded_data: Path
) -> None:
    """ccxt's id of an OKX order with ``algoId`` is that of the conditional order.

    Recorded is the pair (rows 16 and 24) without ``algoId`` and ``algoClOrdId``, which OKX
    documents for the order that was placed.
    """
    client = await places("okx").opened()
    conditional, placed = (
        load_raw_row(recorded_data, "okx", "orders", number) for number in (16, 24)
    )
    names = {key: conditional[key] for key in ("algoId", "algoClOrdId")}
    found = parse_row(client, "okx", "BTC/USDT:USDT", conditional)
    assert found.triggered_order_id == placed["ordId"]
    assert found.exchange_order_id == conditional["algoId"]
    order = parse_row(client, "okx", "BTC/USDT:USDT", placed | names)
    assert order.exchange_order_id == placed["ordId"] == found.triggered_order_id
    assert order.client_id == found.client_id == conditional["algoClOrdId"]
    assert (order.is_conditional, order.status) == (False, VenueOrderStatus.FILLED)


#: Venue, recorded execution, symbol; id, order, quantity in base, fee, maker.
EXECUTIONS: list[tuple[str, int, str, tuple[Any, ...]]] = [
    (
        "okx",
        2,
        "ETH/USDT",
        ("107601752", "317321390244397056", "0.007533", "0.000007533", "ETH", False),
    ),
    (
        "kraken",
        4,
        "BTC/USDT",
        (None, "O26VBY-ISGAE-JP5TLU", "0.50000000", "23.60", "USDT", True),
    ),
    (
        "bitget",
        1,
        "BTC/USDT",
        ("1098394344974925824", "1098394344925597696", "0.0002", "0.005693536", "USDT", False),
    ),
    (
        "bitget",
        2,
        "BTC/USDT:USDT",
        ("1111468664328269825", "1111468664264753162", "0.001", "0.02236284", "USDT", False),
    ),
]


async def test_executions_keep_their_fees(places: Places, recorded_data: Path) -> None:
    """Numbers are the venue's own texts; a cost is positive here whatever its sign there."""
    clients = {name: await places(name).opened() for name in ("okx", "kraken", "bitget")}
    for venue, number, symbol, (name, order, qty, fee, currency, maker) in EXECUTIONS:
        client = clients[venue]
        exchange = client.exchange
        raw_row = load_raw_row(recorded_data, venue, "trades", number)
        row = exchange.parse_trade(raw_row, exchange.market(symbol))
        (trade,) = parse_trades([row], venue, client.instruments)
        assert name in (None, trade.execution.exchange_trade_id)
        assert trade.exchange_order_id == order
        # The close of a long is reported as a buy.
        is_sold = raw_row.get("tradeSide") == "close" or "sell" in (
            raw_row.get("side"),
            raw_row.get("type"),
        )
        assert (trade.side is Side.SELL) == is_sold
        assert (trade.execution.qty, trade.execution.fee) == (Decimal(qty), Decimal(fee)), venue
        assert (trade.execution.fee_currency, trade.execution.maker) == (currency, maker)


async def test_contracts_are_counted_in_base(places: Places, recorded_data: Path) -> None:
    """One contract of 0.01 is 0.01, in orders, executions and positions."""
    okx, gate = await places("okx").opened(), await places("gate").opened()
    order = parse_row(okx, "okx", "BTC/USDT:USDT", load_raw_row(recorded_data, "okx", "orders", 10))
    assert order.qty == Decimal("0.001")  # sz 0.10
    exchange = gate.exchange
    raw_row = load_raw_row(recorded_data, "gate", "trades", 2) | {"contract": "ETH_USDT"}
    row = exchange.parse_trade(raw_row, exchange.market("ETH/USDT:USDT"))
    (trade,) = parse_trades([row], "gate", gate.instruments)
    assert (trade.side, trade.execution.qty) == (Side.SELL, Decimal("0.05"))  # size −5


#: Venue, recorded position, symbol, what is changed; the leg and the signed quantity in base.
POSITIONS: list[tuple[str, int, str, dict[str, Any], Side | None, str]] = [
    ("okx", 1, "BTC/USDT:USDT", {}, Side.BUY, "0.01"),
    ("okx", 1, "BTC/USDT:USDT", {"posSide": "short"}, Side.SELL, "-0.01"),
    ("okx", 1, "BTC/USDT:USDT", {"posSide": "net", "pos": "-3"}, None, "-0.03"),
    ("gate", 0, "ETH/USDT:USDT", {"contract": "ETH_USDT"}, None, "0.01"),
    ("gate", 0, "ETH/USDT:USDT", {"contract": "ETH_USDT", "size": -2}, None, "-0.02"),
    ("bitget", 1, "BTC/USDT:USDT", {}, Side.BUY, "0.002"),
    ("bitget", 1, "BTC/USDT:USDT", {"posMode": "one_way_mode"}, None, "0.002"),
]


async def test_positions_by_leg(places: Places, recorded_data: Path) -> None:
    """A leg where the venue holds two of them, the net position elsewhere."""
    clients = {name: await places(name).opened() for name in ("okx", "gate", "bitget")}
    for venue, number, symbol, changes, leg, qty in POSITIONS:
        exchange = clients[venue].exchange
        raw_row = load_raw_row(recorded_data, venue, "positions", number) | changes
        row = exchange.parse_position(raw_row, exchange.market(symbol))
        held = parse_position(row, clients[venue].instruments)
        assert held == ((symbol, leg), Decimal(qty)), (venue, changes)


#: The fields of each list of a snapshot besides its span and its page.
LIST_FIELDS: dict[str, dict[str, dict[str, str]]] = {
    "okx": {
        "orders-pending": {"instType": "SPOT|SWAP"},
        "orders-history": {"instType": "SPOT|SWAP", "state": "filled|canceled"},
        "fills-history": {"instType": "SPOT|SWAP"},
        "positions": {"instType": "SWAP"},
    },
    "kraken": {"OpenOrders": {}, "ClosedOrders": {}, "TradesHistory": {}},
    "gate": {
        "open_orders": {"account": "spot", "status": "open"},
        "my_trades": {"account": "spot"},
        "my_trades_timerange": {},
        "positions": {},
    },
    "kucoin": {
        "active": {"symbol": "LTC-USDT", "tradeType": "TRADE", "status": "active"},
        "stopOrders": {"symbol": "XBTUSDTM"},
        "fills": {"symbol": "LTC-USDT|XBTUSDTM"},
        "positions": {},
    },
    "bitget": {
        "unfilled-orders": {"symbol": "BTCUSDT"},
        "orders-pending": {"symbol": "BTCUSDT", "productType": "USDT-FUTURES"},
        "fills": {"symbol": "BTCUSDT", "productType": "USDT-FUTURES"},
        "all-position": {"productType": "USDT-FUTURES", "marginCoin": "USDT"},
    },
}
SPAN = frozenset(
    (
        *("limit", "pageSize", "begin", "end", "start", "from", "to", "nonce"),
        *("startAt", "endAt", "startTime", "endTime"),
    )
)


@pytest.mark.parametrize("venue", LIST_FIELDS)
async def test_a_snapshot_uses_the_venue_s_own_parameters(venue: str, places: Places) -> None:
    """All sections are read without a failure, and no parameter of ccxt is sent as a filter."""
    place = places(venue)
    client = await place.opened()
    reader = AccountReader(
        client, venue, get_profile(venue), lambda: client.instruments, RawRowBuffer(venue)
    )
    place.venue.requests.clear()
    until = datetime.now(UTC)
    since = until - timedelta(days=1)
    for part in reader.sections():
        assert not await reader.open_orders(part)
        assert not await reader.closed_orders(part, since, until)
        assert await reader.trades(part, since, until, all_kinds=True, now=until) == ([], [])
    assert not (await reader.holdings(reader.sections())).quantities
    lists = {asked.path.rpartition("/")[2] for asked in place.venue.requests}
    assert LIST_FIELDS[venue].keys() <= lists
    for asked in place.venue.requests:
        allowed = LIST_FIELDS[venue].get(asked.path.rpartition("/")[2])
        raw_row = {key: each for key, each in asked.fields.items() if key not in SPAN}
        assert not raw_row.keys() & {"subType"} and raw_row.get("type") not in ("spot", "swap"), (
            asked
        )
        for key, each in raw_row.items() if allowed is not None else ():
            assert each in allowed.get(key, "").split("|"), asked
