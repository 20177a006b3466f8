"""Own stops at venues through real ccxt: the request that is sent, the row that is read back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import now
from kit.exchanges.recorded_payloads import load_raw_row, make_own_row
from kit.exchanges.stub_exchange import ReceivedRequest, now_ms
from oms.adapters.ccxt.orders.ccxt_calls import build_cancel_call
from oms.adapters.ccxt.orders.order_cache import TrackedOrder
from oms.adapters.ccxt.parsing.order_snapshot import parse_order
from oms.adapters.ccxt.venues.order_status import VenueOrderStatus
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.domain.side import Side

pytestmark = pytest.mark.recorded
Places = Callable[[str], Any]
ALGO, ADD = "POST /api/v5/trade/order-algo", "POST /0/private/AddOrder"
SPOT_PRICE = "POST /api/v4/spot/price_orders"
FUTURES, SPOT_PLAN = "POST /api/v1/orders", "POST /api/v2/spot/trade/place-plan-order"
PRICE, PLAN = "POST /api/v4/futures/usdt/price_orders", "POST /api/v2/mix/order/place-plan-order"
REPLIES = {
    ALGO: {"code": "0", "data": [{"algoId": "77", "sCode": "0", "sMsg": ""}], "msg": ""},
    ADD: {"error": [], "result": {"descr": {"order": ""}, "txid": ["OAAAAA-BBBBB-CCCCCC"]}},
    PRICE: {"id": 77},
    SPOT_PRICE: {"id": 77},
    FUTURES: {"code": "200000", "data": {"orderId": "64507d02921f1c0001ff6892"}},
    SPOT_PLAN: {"code": "00000", "msg": "success", "data": {"orderId": "77", "clientOid": ""}},
    PLAN: {"code": "00000", "msg": "success", "data": {"orderId": "77", "clientOid": ""}},
}


@dataclass(frozen=True)
class Stop:
    """An order with a trigger, and the fields of its request."""

    venue: str
    symbol: str
    side: str
    order_type: str
    price: str | None
    trigger: str
    route: str
    sent: Mapping[str, str]
    name_key: str
    more: Mapping[str, Any]


GATE_PARTS = ("initial", "put", "trigger")
SWAP, SPOT = "BTC/USDT:USDT", "BTC/USDT"
REDUCE = {"reduce_only": True}
STOPS = [
    Stop(
        *("okx", SWAP, "sell", "stop_market", None, "26000", ALGO),
        {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "ordType": "trigger", "side": "sell"}
        | {"triggerPx": "26000", "orderPx": "-1", "sz": "100"},
        "clOrdId",
        REDUCE,
    ),
    Stop(
        *("okx", "ETH/USDT", "buy", "take_profit_limit", "1900", "1950", ALGO),
        {"instId": "ETH-USDT", "tdMode": "cash", "ordType": "trigger", "side": "buy"}
        | {"triggerPx": "1950", "orderPx": "1900", "sz": "1"},
        "clOrdId",
        {},
    ),
    Stop(
        *("kraken", SPOT, "sell", "stop_market", None, "26000", ADD),
        {"pair": "XBTUSDT", "ordertype": "stop-loss", "price": "26000", "volume": "1"},
        "cl_ord_id",
        {},
    ),
    Stop(
        *("kraken", SPOT, "sell", "take_profit_limit", "31000", "30000", ADD),
        {"ordertype": "take-profit-limit", "price": "30000", "price2": "31000"},
        "cl_ord_id",
        {},
    ),
    Stop(
        *("gate", "ETH/USDT:USDT", "sell", "stop_market", None, "2600", PRICE),
        {"contract": "ETH_USDT", "size": -100, "price": "0", "tif": "ioc", "reduce_only": True}
        | {"trigger.price": "2600", "trigger.rule": 2, "trigger.price_type": 0},
        "initial.text",
        REDUCE,
    ),
    Stop(
        *("gate", "ETH/USDT:USDT", "sell", "take_profit_limit", "3100", "3000", PRICE),
        {"size": -100, "price": "3100", "trigger.price": "3000", "trigger.rule": 1},
        "initial.text",
        {},
    ),
    Stop(
        *("gate", "ETH/USDT", "sell", "stop_limit", "2590", "2600", SPOT_PRICE),
        {"market": "ETH_USDT", "put.type": "limit", "put.side": "sell", "put.price": "2590"}
        | {"put.amount": "1", "trigger.price": "2600", "trigger.rule": "<="},
        "trigger.text",
        {},
    ),
    Stop(
        *("kucoin", SWAP, "sell", "stop_market", None, "26000", FUTURES),
        {"symbol": "XBTUSDTM", "stop": "down", "stopPrice": "26000", "stopPriceType": "TP"}
        | {"type": "market", "size": 1000, "side": "sell"},
        "clientOid",
        REDUCE,
    ),
    Stop(
        *("kucoin", SWAP, "sell", "take_profit_limit", "31000", "30000", FUTURES),
        {"stop": "up", "stopPrice": "30000", "type": "limit", "price": "31000"},
        "clientOid",
        {},
    ),
    Stop(
        *("bitget", SWAP, "sell", "stop_market", None, "26000", PLAN),
        {"symbol": "BTCUSDT", "planType": "normal_plan", "orderType": "market", "size": "1"}
        | {"triggerPrice": "26000", "triggerType": "fill_price", "side": "sell"},
        "clientOid",
        REDUCE,
    ),
    Stop(
        *("bitget", SPOT, "sell", "stop_limit", "25900", "26000", SPOT_PLAN),
        {"symbol": "BTCUSDT", "planType": "amount", "orderType": "limit", "size": "1"}
        | {"triggerPrice": "26000", "triggerType": "fill_price", "executePrice": "25900"},
        "clientOid",
        {},
    ),
    Stop(
        *("bitget", SWAP, "buy", "take_profit_limit", "24000", "25000", PLAN),
        {"orderType": "limit", "executePrice": "24000", "triggerPrice": "25000", "side": "buy"},
        "clientOid",
        {},
    ),
]


def flat(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a request and, under their name and with the key of Gate's part, its parts."""
    parts = {f"{key}.{name}": v for key in GATE_PARTS for name, v in fields.get(key, {}).items()}
    return {**fields, **fields.get("initial", {}), **parts}


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: f"{stop.venue}-{stop.order_type}")
async def test_a_stop_is_sent_in_the_venue_s_own_way(
    stop: Stop, places: Places, recorded_data: Path
) -> None:
    place = places(stop.venue)
    place.venue.answers[stop.route] = REPLIES[stop.route]
    harness = await place.harness()
    terms = {"order_type": stop.order_type, "trigger_price": Decimal(stop.trigger)}
    await harness.send(1, stop.side, "1", stop.price, symbol=stop.symbol, **terms, **stop.more)
    await harness.wait_until(lambda: place.venue.sent(stop.route), "sent")
    await harness.exchange.close()
    [asked] = place.venue.sent(stop.route)
    fields = flat(asked.fields)
    assert {name: fields.get(name) for name in stop.sent} == stop.sent
    assert fields[stop.name_key] == harness.attempts[1, 1, "place"].client_id
    assert bool(fields.get("reduceOnly", fields.get("reduce_only"))) is bool(stop.more)


async def test_a_stop_at_kraken_is_read_back_and_canceled(
    places: Places, recorded_data: Path
) -> None:
    """The recorded order as ccxt documents it for a stop: its trigger is ``descr.price``."""
    place = places("kraken")
    row = make_own_row(recorded_data, ("kraken_open", 0), "name")
    prices = {"ordertype": "stop-loss-limit", "price": "26000.0", "price2": "25900.0"}
    row["descr"] = {**row["descr"], **prices}
    client = await place.opened()
    parsed = client.exchange.parse_order({"id": "OAAAAA-BBBBB-CCCCCC", **row})
    stop = parse_order(parsed, "kraken", client.instruments)
    assert stop is not None and stop.status is VenueOrderStatus.OPEN
    assert (stop.trigger_price, stop.price) == (Decimal(26000), Decimal(25900))
    assert (stop.order_type, stop.client_id) == ("stop_limit", "name")
    place.venue.answers["POST /0/private/CancelOrder"] = {"error": [], "result": {"count": 1}}
    tracked = TrackedOrder(
        order_id=1,
        symbol=stop.symbol,
        side=Side.SELL,
        order_type="stop_limit",
        qty=Decimal(1),
        price=stop.price,
        created_at=now(),
        exchange_order_id=stop.exchange_order_id,
    )
    call = build_cancel_call(tracked, get_profile("kraken"))
    await client.write(call.method, *call.args, params=dict(call.params))
    [asked] = place.venue.sent("POST /0/private/CancelOrder")
    assert set(asked.fields) == {"txid", "nonce"}


async def test_a_stop_at_kucoin_keeps_its_id_when_its_trigger_is_met(
    places: Places, recorded_data: Path
) -> None:
    """Waiting it is in a list of its own, then among the others, with its client order id."""
    place, sent, is_met = places("kucoin"), list[dict[str, Any]](), list[bool]()
    row = load_raw_row(recorded_data, "kucoin_swap", "orders", 0)

    def placed(asked: ReceivedRequest) -> Any:
        sent.append(asked.fields)
        return {"code": "200000", "data": {"orderId": row["id"]}}

    def shown() -> dict[str, Any]:
        more = {"clientOid": sent[0]["clientOid"], "stop": "down", "stopPrice": "26000"}
        more |= {"side": "sell", "type": "market", "price": "0", "createdAt": now_ms()}
        filled = {"stopTriggered": True, "isActive": False, "filledSize": 1, "filledValue": "26"}
        return row | more | {"updatedAt": now_ms(), **(filled if is_met else {})}

    def waiting(asked: ReceivedRequest) -> Any:
        items = [shown()] if sent and not is_met else []
        return {"code": "200000", "data": {"items": items}}

    def fills(asked: ReceivedRequest) -> Any:
        trade = {"symbol": "XBTUSDTM", "tradeId": "7", "orderId": row["id"], "side": "sell"}
        trade |= {"liquidity": "taker", "price": "26000", "size": 1, "value": "26", "fee": "0.01"}
        trade |= {"feeCurrency": "USDT", "tradeTime": now_ms() * 1_000_000, "createdAt": now_ms()}
        return {"code": "200000", "data": {"items": [trade] if is_met else []}}

    single = {"code": "200000", "data": None}
    place.venue.answers |= {
        FUTURES: placed,
        "GET /api/v1/stopOrders": waiting,
        f"GET /api/v1/orders/{row['id']}": lambda _: {**single, "data": shown()},
        "GET /api/v1/fills": fills,
    }
    harness = await place.harness()
    terms = {"order_type": "stop_market", "trigger_price": Decimal(26000)}
    await harness.send(1, "sell", "0.001", None, symbol=SWAP, **terms)
    await harness.wait_for_state(1, "SUBMITTED")
    is_met.append(True)
    await harness.wait_for_state(1, "FILLED")
    await harness.exchange.close()
    assert harness.orders[1].exchange_order_id == row["id"]
    assert not [report for report in harness.reports if report.order_id != 1]
