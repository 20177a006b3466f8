"""COIN-M contracts of Binance: inverse, counted in contracts; stops in the service of their own."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kit.exchanges.recorded_payloads import load_raw_row
from kit.exchanges.stub_exchange import LOST, ReceivedRequest, StubExchange, now_ms
from oms.adapters.ccxt.venues.capabilities import build_capabilities
from oms.adapters.ccxt.venues.catalog import load_venues
from oms.domain.instrument import InstrumentKind
from oms.domain.orders.execution_report import ReportKind

pytestmark = pytest.mark.recorded
Places = Callable[[str], Any]
Row = dict[str, Any]
VENUE, SYMBOL = "binancecoinm", "ETH/USD:ETH"
STOP_ID, PLACED_ID = 3358, 18742727411


@dataclass(kw_only=True)
class OneStop:
    """COIN-M with one stop: recorded rows with the terms that were requested."""

    stop: Row
    placed: Row
    fill: Row
    loses_reply: bool = False
    sent: Row | None = None
    is_met: bool = False

    def serve(self, venue: StubExchange) -> None:
        venue.answers |= {
            "POST /dapi/v1/algoOrder": self._place,
            "GET /dapi/v1/algoOrder": lambda _: self._stop(),
            "GET /dapi/v1/openAlgoOrders": self._waiting,
            "GET /dapi/v1/order": self._order,
            "GET /dapi/v1/userTrades": self._fills,
            "DELETE /dapi/v1/algoOrder": self._cancel,
        }

    def _place(self, asked: ReceivedRequest) -> Any:
        self.sent = asked.fields
        return LOST if self.loses_reply else self._stop()

    def _cancel(self, asked: ReceivedRequest) -> Any:
        self.stop["algoStatus"] = "CANCELED"
        return {"algoId": STOP_ID, "clientAlgoId": asked.fields.get("clientAlgoId", ""), "code": 0}

    def _stop(self) -> Any:
        if self.sent is None:
            return {"code": -2013, "msg": "Order does not exist."}
        more = {"symbol": "ETHUSD_PERP", "clientAlgoId": self.sent["clientAlgoId"]}
        more |= {"side": "SELL", "quantity": "3", "createTime": now_ms(), "updateTime": now_ms()}
        more |= {"triggerPrice": "2500.00", "price": "0", "orderType": "STOP_MARKET"}
        if self.is_met:
            more |= {"algoStatus": "FINISHED", "actualOrderId": str(PLACED_ID)}
        return self.stop | more

    def _waiting(self, asked: ReceivedRequest) -> Any:
        is_listed = self.sent and not self.is_met and self.stop["algoStatus"] == "NEW"
        return [self._stop()] if is_listed else []

    def _order(self, asked: ReceivedRequest) -> Any:
        if not self.is_met or self.sent is None:
            return {"code": -2013, "msg": "Order does not exist."}
        name = self.sent["clientAlgoId"]
        more = {"origQty": "3", "executedQty": "3", "clientOrderId": name, "avgPrice": "2498.15"}
        return self.placed | more | {"time": now_ms(), "updateTime": now_ms()}

    def _fills(self, asked: ReceivedRequest) -> Any:
        more = {"orderId": PLACED_ID, "qty": "3", "time": now_ms(), "positionSide": "BOTH"}
        return [self.fill | more] if self.is_met else []


@pytest.fixture
def one(recorded_data: Path) -> OneStop:
    return OneStop(
        stop=load_raw_row(recorded_data, "binance", "orders", 19),
        placed=load_raw_row(recorded_data, "binance", "orders", 5),
        fill=load_raw_row(recorded_data, "binance", "trades", 4),
    )


async def test_contracts_are_inverse_and_counted_in_contracts(places: Places) -> None:
    client = await places(VENUE).opened()
    contract = client.instruments[SYMBOL]
    assert (contract.kind, contract.settle) == (InstrumentKind.INVERSE, "ETH")
    assert (contract.contract_size, contract.step, contract.amount_unit) == (10, 1, 1)
    assert contract.notional(Decimal(3), Decimal(2500)) == 30


async def test_a_limit_order_is_sent_in_contracts(places: Places, one: OneStop) -> None:
    place = places(VENUE)
    place.venue.answers["POST /dapi/v1/order"] = one.placed | {"status": "NEW", "executedQty": "0"}
    harness = await place.harness()
    await harness.send(1, "buy", "3", "2000", symbol=SYMBOL)
    await harness.wait_until(lambda: place.venue.sent("POST /dapi/v1/order"), "sent")
    await harness.exchange.close()
    (asked,) = place.venue.sent("POST /dapi/v1/order")
    expected = {"symbol": "ETHUSD_PERP", "side": "BUY", "quantity": "3", "price": "2000"}
    assert {key: asked.fields[key] for key in expected} == expected
    assert asked.fields["newClientOrderId"] == harness.attempts[1, 1, "place"].client_id


@pytest.mark.parametrize(
    ("order_type", "price", "sent"),
    [
        ("stop_market", None, {"type": "STOP_MARKET"}),
        ("stop_limit", "2400", {"type": "STOP", "price": "2400"}),
        ("take_profit_market", None, {"type": "TAKE_PROFIT_MARKET"}),
        ("take_profit_limit", "2600", {"type": "TAKE_PROFIT", "price": "2600"}),
    ],
)
async def test_stops_are_sent_to_their_own_service(
    places: Places, one: OneStop, order_type: str, price: str | None, sent: Row
) -> None:
    place = places(VENUE)
    one.serve(place.venue)
    harness = await place.harness()
    terms = {"order_type": order_type, "trigger_price": Decimal(2500), "reduce_only": True}
    await harness.send(1, "sell", "3", price, symbol=SYMBOL, **terms)
    await harness.wait_until(lambda: one.sent, "sent")
    await harness.exchange.close()
    expected = {"symbol": "ETHUSD_PERP", "side": "SELL", "quantity": "3", "triggerPrice": "2500"}
    expected |= {"algoType": "CONDITIONAL", "reduceOnly": "true", **sent}
    assert one.sent is not None
    assert {key: one.sent.get(key) for key in expected} == expected
    assert one.sent["clientAlgoId"] == harness.attempts[1, 1, "place"].client_id


@pytest.mark.parametrize("loses_reply", [False, True], ids=["answered", "reply-lost"])
async def test_a_stop_is_followed_to_the_order_that_it_places(
    places: Places, one: OneStop, loses_reply: bool
) -> None:
    place = places(VENUE)
    one.loses_reply = loses_reply
    one.serve(place.venue)
    harness = await place.harness()
    terms = {"order_type": "stop_market", "trigger_price": Decimal(2500)}
    await harness.send(1, "sell", "3", None, symbol=SYMBOL, **terms)
    await harness.wait_for_state(1, "SUBMITTED")
    one.is_met = True
    await harness.wait_for_state(1, "FILLED")
    await harness.exchange.close()
    assert ReportKind.TRIGGERED in harness.kinds(1)
    assert not [report for report in harness.reports if report.order_id != 1]
    (execution,) = {r.execution for r in harness.reports if r.execution is not None}
    assert (execution.qty, execution.price) == (Decimal(3), Decimal("2498.15"))
    assert (execution.fee, execution.fee_currency) == (Decimal("0.00000160"), "ETH")


async def test_a_waiting_stop_is_canceled(places: Places, one: OneStop) -> None:
    place = places(VENUE)
    one.serve(place.venue)
    harness = await place.harness()
    terms = {"order_type": "stop_market", "trigger_price": Decimal(2500)}
    await harness.send(1, "sell", "3", None, symbol=SYMBOL, **terms)
    await harness.wait_for_state(1, "SUBMITTED")
    await harness.cancel(1)
    await harness.wait_for_state(1, "CANCELED")
    await harness.exchange.close()
    (asked,) = place.venue.sent("DELETE /dapi/v1/algoOrder")
    assert asked.fields["algoId"] == str(STOP_ID)


def test_its_capabilities() -> None:
    capabilities = build_capabilities(load_venues()[VENUE], "live")
    types = capabilities["order_types"].value
    assert list(types) == ["inverse"] and "take_profit_limit" in types["inverse"]
    assert capabilities["label"].value == "recorded"
    assert capabilities["conditional_list"].value == {"inverse": "separate"}
