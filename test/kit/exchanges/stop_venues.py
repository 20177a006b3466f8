"""Scripted venues with one stop whose placed order does not name it: Gate and Bitget.

Rows are the recorded ones, or as the venue documents them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kit.exchanges.stub_exchange import LOST, ReceivedRequest, StubExchange, now_ms

Row = dict[str, Any]
Routes = Mapping[str, Callable[["StopVenue", ReceivedRequest], Any]]
#: The exchange's id of the order that the stop places.
PLACED = "555"
GATE_ORDERS = "GET /api/v4/futures/usdt/orders"


@dataclass(kw_only=True)
class StopVenue:
    """A venue with one stop, which was recorded waiting, and later the order that it places."""

    symbol: str
    venue: StubExchange
    routes: Routes
    row: Row
    qty: str
    loses_reply: bool = False
    name: str | None = None
    #: Stops of another program that ended.
    others: list[Row] = field(default_factory=list)
    #: The request that placed it.
    sent: Row = field(default_factory=dict)
    is_met: bool = False
    #: The order that it placed is executed, and it is listed as waiting all the same.
    is_late: bool = False
    #: The order that it placed is open, and nothing of it is executed.
    rests: bool = False

    @property
    def has_ended(self) -> bool:
        """Whether it is listed as ended."""
        return self.is_met and not self.is_late

    def serve(self) -> None:
        """Answers the requests of the venue; routes may name fields of the row."""
        for route, answer in self.routes.items():
            self.venue.answers[route.format(**self.row)] = lambda asked, answer=answer: answer(
                self, asked
            )


def _gate_place(one: StopVenue, asked: ReceivedRequest) -> Any:
    one.name = asked.fields["initial"]["text"]
    return LOST if one.loses_reply else {"id": one.row["id"]}


def _gate_stop(one: StopVenue) -> Row:
    now = now_ms() // 1000
    more: Row = {"id": one.row["id"], "create_time": now, "finish_time": now}
    more["initial"] = {**one.row["initial"], "contract": "ETH_USDT", "text": one.name}
    if one.has_ended:
        more |= {"status": "finished", "finish_as": "succeeded", "trade_id": int(PLACED)}
    return one.row | more


def gate_stop_of_another(one: StopVenue, *, placed: int) -> Row:
    """A stop of another program that ended, with the terms of the own one."""
    row = _gate_stop(one)
    ended = {"status": "finished", "finish_as": "succeeded", "trade_id": placed}
    return row | ended | {"id": 1, "initial": {**row["initial"], "text": "web"}}


def _gate_list(one: StopVenue, asked: ReceivedRequest) -> Any:
    is_open = asked.fields["status"] == "open"
    is_listed = one.name and is_open is not one.has_ended
    return ([_gate_stop(one)] if is_listed else []) + ([] if is_open else one.others)


def _gate_single(one: StopVenue, asked: ReceivedRequest) -> Any:
    return _gate_stop(one)


def _gate_placed(one: StopVenue, asked: ReceivedRequest) -> Any:
    now = now_ms() / 1000
    if one.rests:
        return gate_order(one)
    return gate_order(one) | {
        "status": "finished",
        "left": 0,
        "price": "0",
        "finish_as": "filled",
        "tif": "ioc",
        "fill_price": "1.03",
        "text": "api",
        "create_time": now,
        "finish_time": now,
    }


def gate_order(one: StopVenue) -> Row:
    """An open order as the stop would have placed it."""
    fields = {"id": int(PLACED), "contract": "ETH_USDT", "size": -1, "left": -1, "price": "1.02"}
    return fields | {"status": "open", "tif": "gtc", "text": "api", "create_time": now_ms() / 1000}


def _gate_open(one: StopVenue, asked: ReceivedRequest) -> Any:
    is_listed = one.rests and asked.fields["status"] == "open"
    return [_gate_placed(one, asked)] if is_listed else []


def _gate_trades(one: StopVenue, asked: ReceivedRequest) -> Any:
    trade = {"size": -1, "order_id": PLACED, "id": 77, "role": "taker", "price": "1.03"}
    trade |= {"create_time": now_ms() / 1000, "contract": "ETH_USDT"}
    return [trade] if one.is_met and not one.rests else []


def _gate_spot_place(one: StopVenue, asked: ReceivedRequest) -> Any:
    one.sent, one.name = asked.fields, "not returned"
    return LOST if one.loses_reply else {"id": one.row["id"]}


def _gate_spot_stop(one: StopVenue) -> Row:
    """The recorded row with what was sent, and its end as Gate documents a price order of spot.

    (``GET /spot/price_orders/{order_id}``: ``ftime``, ``fired_order_id``, ``status`` ``finish``.)
    Neither has a client order id.
    """
    now = now_ms() // 1000
    terms = {name: one.sent["trigger"][name] for name in ("price", "rule", "expiration")}
    more: Row = {"ctime": now, "trigger": terms, "put": one.sent["put"] | {"text": "api"}}
    if one.has_ended:
        more |= {"ftime": now, "status": "finish", "fired_order_id": int(PLACED), "reason": ""}
    return one.row | more


def _gate_spot_list(one: StopVenue, asked: ReceivedRequest) -> Any:
    is_listed = one.name and (asked.fields["status"] == "open") is not one.has_ended
    return [_gate_spot_stop(one)] if is_listed else []


def _gate_spot_single(one: StopVenue, asked: ReceivedRequest) -> Any:
    return _gate_spot_stop(one)


def _gate_spot_placed(one: StopVenue, asked: ReceivedRequest) -> Any:
    now = now_ms()
    fields = {"id": PLACED, "text": "apiv4", "currency_pair": "ADA_USDT", "type": "limit"}
    fields |= {"account": "spot", "side": "sell", "amount": "1", "price": "1.02", "left": "0"}
    fields |= {"status": "closed", "finish_as": "filled", "time_in_force": "gtc", "fee": "0"}
    fields |= {"create_time": str(now // 1000), "update_time": str(now // 1000)}
    return fields | {"create_time_ms": now, "update_time_ms": now, "filled_total": "1.03"}


def _gate_spot_trades(one: StopVenue, asked: ReceivedRequest) -> Any:
    trade = {"id": "77", "currency_pair": "ADA_USDT", "side": "sell", "role": "taker"}
    trade |= {"amount": "1", "price": "1.03", "order_id": PLACED, "fee": "0.002"}
    trade |= {"fee_currency": "USDT", "create_time_ms": str(now_ms()), "text": "apiv4"}
    return [trade | {"create_time": str(now_ms() // 1000)}] if one.is_met else []


def _bitget_place(one: StopVenue, asked: ReceivedRequest) -> Any:
    one.name = asked.fields["clientOid"]
    data = {"orderId": one.row["orderId"], "clientOid": one.name}
    return LOST if one.loses_reply else {"code": "00000", "msg": "success", "data": data}


def _bitget_stop(one: StopVenue) -> Row:
    now = str(now_ms())
    more = {"clientOid": one.name, "cTime": now, "uTime": now, "side": "sell", "price": ""}
    more |= {"posMode": "one_way_mode", "orderType": "market", "posSide": "net"}
    if one.has_ended:
        more |= {"planStatus": "executed", "executeOrderId": PLACED}
    return one.row | more


def _bitget_rows(rows: list[Row], key: str = "entrustedList") -> Any:
    return {"code": "00000", "msg": "success", "data": {key: rows, "endId": None}}


def _bitget_waiting(one: StopVenue, asked: ReceivedRequest) -> Any:
    is_listed = one.name and not one.has_ended and asked.fields["planType"] == "normal_plan"
    return _bitget_rows([_bitget_stop(one)] if is_listed else [])


def _bitget_ended(one: StopVenue, asked: ReceivedRequest) -> Any:
    return _bitget_rows([_bitget_stop(one)] if one.has_ended else [])


def _bitget_placed(one: StopVenue, asked: ReceivedRequest) -> Any:
    if asked.fields.get("orderId") != PLACED:
        return {"code": "40109", "msg": "The data of the order cannot be found", "data": None}
    now = str(now_ms())
    fields = {"symbol": "BTCUSDT", "size": "0.001", "orderId": PLACED, "clientOid": "777"}
    fields |= {"baseVolume": "0.001", "state": "filled", "side": "sell", "posSide": "net"}
    fields |= {"posMode": "one_way_mode", "orderType": "market", "cTime": now, "uTime": now}
    fields |= {"priceAvg": "24000", "price": "", "reduceOnly": "YES"}
    return {"code": "00000", "msg": "success", "data": fields}


def _bitget_trades(one: StopVenue, asked: ReceivedRequest) -> Any:
    fee = {"deduction": "no", "feeCoin": "USDT", "totalDeductionFee": None, "totalFee": "-0.01"}
    trade = {"tradeId": "77", "symbol": "BTCUSDT", "orderId": PLACED, "price": "24000"}
    trade |= {"baseVolume": "0.001", "feeDetail": [fee], "side": "sell", "quoteVolume": "24"}
    trade |= {"posMode": "one_way_mode", "tradeScope": "taker", "cTime": str(now_ms())}
    return _bitget_rows([trade] if one.is_met else [], "fillList")


def _spot_stop(one: StopVenue) -> Row:
    now = str(now_ms())
    more = {"clientOid": one.name, "cTime": now, "uTime": now, "side": "sell"}
    more |= {"orderType": "market", "executePrice": "", "size": one.qty}
    return one.row | more | ({"status": "executed"} if one.has_ended else {})


def _spot_waiting(one: StopVenue, asked: ReceivedRequest) -> Any:
    rows = [_spot_stop(one)] if one.name and not one.has_ended else []
    return _bitget_rows(rows, "orderList")


def _spot_ended(one: StopVenue, asked: ReceivedRequest) -> Any:
    return _bitget_rows([_spot_stop(one)] if one.has_ended else [], "orderList")


def _spot_sub_order(one: StopVenue, asked: ReceivedRequest) -> Any:
    assert asked.fields == {"planOrderId": one.row["orderId"]}
    row = {"orderId": PLACED, "price": "0", "type": "market", "status": "success"}
    return {"code": "00000", "msg": "success", "data": [row] if one.has_ended else []}


def _spot_placed(one: StopVenue, asked: ReceivedRequest) -> Any:
    if asked.fields.get("orderId") != PLACED:
        return {"code": "00000", "msg": "success", "data": []}
    now = str(now_ms())
    fields = {"symbol": "BTCUSDT", "orderId": PLACED, "clientOid": "777", "price": "0"}
    fields |= {"size": one.qty, "orderType": "market", "side": "sell", "status": "filled"}
    fields |= {"priceAvg": "24000", "baseVolume": one.qty, "quoteVolume": "24", "feeDetail": ""}
    return {"code": "00000", "msg": "success", "data": [fields | {"cTime": now, "uTime": now}]}


def _spot_trades(one: StopVenue, asked: ReceivedRequest) -> Any:
    fee = {"deduction": "no", "feeCoin": "USDT", "totalDeductionFee": "", "totalFee": "-0.02"}
    trade = {"symbol": "BTCUSDT", "orderId": PLACED, "tradeId": "77", "orderType": "market"}
    trade |= {"side": "sell", "priceAvg": "24000", "size": one.qty, "amount": "24"}
    trade |= {"feeDetail": fee, "tradeScope": "taker", "cTime": str(now_ms())}
    data = [trade | {"uTime": str(now_ms())}] if one.is_met else []
    return {"code": "00000", "msg": "success", "data": data}


#: Symbol, quantity, number of the recorded row and routes of the stop of each venue.
STOPS: dict[str, tuple[str, str, int, Routes]] = {
    "gate": (
        "ETH/USDT:USDT",
        "0.01",
        6,
        {
            "POST /api/v4/futures/usdt/price_orders": _gate_place,
            "GET /api/v4/futures/usdt/price_orders": _gate_list,
            "GET /api/v4/futures/usdt/price_orders/{id}": _gate_single,
            GATE_ORDERS: _gate_open,
            f"{GATE_ORDERS}/{PLACED}": _gate_placed,
            "GET /api/v4/futures/usdt/my_trades_timerange": _gate_trades,
        },
    ),
    "gate-spot": (
        "ADA/USDT",
        "1",
        4,
        {
            "POST /api/v4/spot/price_orders": _gate_spot_place,
            "GET /api/v4/spot/price_orders": _gate_spot_list,
            "GET /api/v4/spot/price_orders/{id}": _gate_spot_single,
            f"GET /api/v4/spot/orders/{PLACED}": _gate_spot_placed,
            "GET /api/v4/spot/my_trades": _gate_spot_trades,
        },
    ),
    "bitget": (
        "BTC/USDT:USDT",
        "0.001",
        7,
        {
            "POST /api/v2/mix/order/place-plan-order": _bitget_place,
            "GET /api/v2/mix/order/orders-plan-pending": _bitget_waiting,
            "GET /api/v2/mix/order/orders-plan-history": _bitget_ended,
            "GET /api/v2/mix/order/detail": _bitget_placed,
            "GET /api/v2/mix/order/fills": _bitget_trades,
        },
    ),
    "bitget-spot": (
        "BTC/USDT",
        "0.001",
        0,
        {
            "POST /api/v2/spot/trade/place-plan-order": _bitget_place,
            "GET /api/v2/spot/trade/current-plan-order": _spot_waiting,
            "GET /api/v2/spot/trade/history-plan-order": _spot_ended,
            "GET /api/v2/spot/trade/plan-sub-order": _spot_sub_order,
            "GET /api/v2/spot/trade/orderInfo": _spot_placed,
            "GET /api/v2/spot/trade/fills": _spot_trades,
        },
    ),
}
