"""Own stops at venues where the order that a stop places does not name it.

The venue's list of stops that ended names the placed order: its executions belong to the stop,
also after a lost reply and after a restart.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import FAST_TIMINGS, TAG, CcxtHarness, now
from kit.exchanges.recorded_payloads import load_raw_row
from kit.exchanges.stub_exchange import LOST, ReceivedRequest, StubExchange, now_ms
from oms.adapters.ccxt.orders.client_order_ids import ClientOrderIdCodec
from oms.adapters.ccxt.orders.order_cache import TrackedOrder
from oms.adapters.ccxt.sync.order_lookup import OrderAbsent
from oms.domain.orders.execution_report import ReportKind
from oms.domain.side import Side
from oms.domain.value import evolve

pytestmark = pytest.mark.recorded
Places = Callable[[str], Any]
Row = dict[str, Any]
Routes = Mapping[str, Callable[["StopVenue", ReceivedRequest], Any]]
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


def _gate_list(one: StopVenue, asked: ReceivedRequest) -> Any:
    is_listed = one.name and (asked.fields["status"] == "open") is not one.has_ended
    return [_gate_stop(one)] if is_listed else []


def _gate_single(one: StopVenue, asked: ReceivedRequest) -> Any:
    return _gate_stop(one)


def _gate_placed(one: StopVenue, asked: ReceivedRequest) -> Any:
    now = now_ms() / 1000
    fields = {"id": int(PLACED), "contract": "ETH_USDT", "size": -1, "left": 0, "price": "0"}
    if one.rests:
        more = {"status": "open", "left": -1, "price": "1.02", "tif": "gtc", "text": "api"}
        return fields | more | {"create_time": now}
    return fields | {
        "status": "finished",
        "finish_as": "filled",
        "tif": "ioc",
        "fill_price": "1.03",
        "text": "api",
        "create_time": now,
        "finish_time": now,
    }


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
each_venue = pytest.mark.parametrize("name", STOPS)


def exchange_of(name: str) -> str:
    return name.partition("-")[0]


async def sent_stop(
    name: str,
    places: Places,
    folder: Path,
    *,
    price: str | None = None,
    loses_reply: bool = False,
    state: str | None = "SUBMITTED",
    **more: Any,
) -> tuple[StopVenue, CcxtHarness]:
    """The scripted stop of a venue, and a harness that has sent it as order 1."""
    symbol, qty, number, routes = STOPS[name]
    exchange = exchange_of(name)
    place = places(exchange)
    one = StopVenue(
        symbol=symbol,
        qty=qty,
        row=load_raw_row(folder, exchange, "orders", number),
        routes=routes,
        venue=place.venue,
        loses_reply=loses_reply,
    )
    one.serve()
    harness: CcxtHarness = await place.harness(**more)
    price = "1.02" if name == "gate-spot" else price
    order_type = "stop_limit" if price else "stop_market"
    terms = {"order_type": order_type, "trigger_price": Decimal("1.03")}
    await harness.send(1, "sell", qty, price, symbol=symbol, **terms)
    if state is not None:
        await harness.wait_for_state(1, state)
    return one, harness


@pytest.mark.parametrize("loses_reply", [False, True], ids=["answered", "reply-lost"])
@each_venue
async def test_executions_of_the_placed_order_belong_to_the_stop(
    name: str, loses_reply: bool, places: Places, recorded_data: Path
) -> None:
    one, harness = await sent_stop(name, places, recorded_data, loses_reply=loses_reply)
    key = "id" if exchange_of(name) == "gate" else "orderId"
    assert harness.orders[1].exchange_order_id == str(one.row[key])
    one.is_met = True
    await harness.wait_for_state(1, "FILLED")
    await harness.exchange.close()
    assert ReportKind.TRIGGERED in harness.kinds(1)
    assert not [report for report in harness.reports if report.order_id != 1]


@each_venue
async def test_executions_that_are_listed_before_the_end_of_the_stop_wait_for_it(
    name: str, places: Places, recorded_data: Path
) -> None:
    one, harness = await sent_stop(name, places, recorded_data)
    (fills,) = (route for route in one.routes if "trades" in route or "fills" in route)
    one.is_late = one.is_met = True
    count = len(one.venue.sent(fills))
    await harness.wait_until(lambda: len(one.venue.sent(fills)) > count + 1, "read twice")
    assert not [report for report in harness.reports if report.execution]
    one.is_late = False
    await harness.wait_for_state(1, "FILLED")
    await harness.exchange.close()
    assert not [report for report in harness.reports if report.order_id != 1]


async def test_an_open_order_that_is_listed_before_the_end_of_its_stop_waits_for_it(
    places: Places, recorded_data: Path
) -> None:
    one, harness = await sent_stop("gate", places, recorded_data, price="1.02")
    one.is_late = one.is_met = one.rests = True
    count = len(one.venue.sent(GATE_ORDERS))
    await harness.wait_until(lambda: len(one.venue.sent(GATE_ORDERS)) > count + 1, "read twice")
    one.is_late = False
    await harness.wait_until(lambda: ReportKind.TRIGGERED in harness.kinds(1), "triggered")
    one.rests = False
    await harness.wait_for_state(1, "FILLED")
    await harness.exchange.close()
    assert not [report for report in harness.reports if report.order_id != 1]


@each_venue
async def test_a_stop_that_is_met_while_the_gateway_is_stopped(
    name: str, places: Places, recorded_data: Path
) -> None:
    one, harness = await sent_stop(name, places, recorded_data)
    await harness.exchange.close()
    one.is_met = True
    await harness.start().wait_ready()
    await harness.wait_for_state(1, "FILLED")
    await harness.exchange.close()
    assert not [report for report in harness.reports if report.order_id != 1]


@each_venue
async def test_a_stop_with_a_lost_reply_that_is_met_while_the_gateway_is_stopped(
    name: str, places: Places, recorded_data: Path
) -> None:
    """Only the stored request says that it may exist."""
    timings = evolve(FAST_TIMINGS, lookup_delays_seconds=(60.0,), live_poll_seconds=60.0)
    options = {"loses_reply": True, "state": None, "timings": timings}
    one, harness = await sent_stop(name, places, recorded_data, **options)
    await harness.wait_until(lambda: one.name, "sent")
    await harness.exchange.close()
    assert harness.orders[1].exchange_order_id is None
    one.is_met = True
    harness.timings = FAST_TIMINGS
    await harness.start().wait_ready()
    await harness.wait_for_state(1, "FILLED")
    await harness.exchange.close()
    placements = [route for route in one.routes if route.startswith("POST")]
    assert [len(one.venue.sent(route)) for route in placements] == [1], "never sent again"
    assert not [report for report in harness.reports if report.order_id != 1]


@each_venue
async def test_executions_of_a_stop_that_are_read_again_belong_to_it(
    name: str, places: Places, recorded_data: Path
) -> None:
    """The process has forgotten the stop, which ended before it started."""

    async def is_own_order(order_id: int) -> bool:
        return order_id == 1

    async def find_own_orders(symbol: str, names: Sequence[str]) -> Mapping[str, int]:
        assert names == [str(one.row["id"])], "Gate's rows of spot have no client order id"
        return dict.fromkeys(names, 1)

    options = {"is_own_order": is_own_order, "find_own_orders": find_own_orders}
    one, harness = await sent_stop(name, places, recorded_data, options=options)
    one.is_met = True
    await harness.wait_for_state(1, "FILLED")
    await harness.exchange.close()
    harness.snapshots.clear()
    await harness.start().wait_ready()
    harness.exchange.start_snapshot(now() - timedelta(minutes=10), None, [one.symbol])
    await harness.wait_until(lambda: harness.snapshots, "snapshot")
    await harness.exchange.close()
    (snapshot,) = harness.snapshots
    assert [report.order_id for _, report in snapshot.trades] == [1]
    assert not [report for report in snapshot.orders if report.order_id != 1]


@pytest.mark.parametrize("count", [99, 100])
async def test_a_stop_is_absent_only_where_the_ended_ones_reach_back_to_it(
    places: Places, recorded_data: Path, count: int
) -> None:
    """A full page of younger ones says nothing about an older one."""
    place = places("gate")
    row = load_raw_row(recorded_data, "gate", "orders", 6)
    ended = {"status": "finished", "finish_as": "cancelled", "create_time": now_ms() // 1000}
    initial = {**row["initial"], "contract": "ETH_USDT", "text": ""}
    rows = [row | ended | {"id": number, "initial": initial} for number in range(1, count + 1)]
    place.venue.answers["GET /api/v4/futures/usdt/price_orders"] = lambda asked: (
        rows if asked.fields["status"] == "finished" else []
    )
    tracked = TrackedOrder(
        order_id=1,
        symbol="ETH/USDT:USDT",
        side=Side.SELL,
        order_type="stop_market",
        qty=Decimal("0.01"),
        price=None,
        created_at=now() - timedelta(hours=1),
        client_id=ClientOrderIdCodec(TAG, is_short=True).encode(1, 1),
        has_separate_trigger=True,
    )
    found = await place.lookup(await place.opened()).find(tracked)
    assert found == OrderAbsent(is_complete=count < 100)
