"""Alpaca, crypto orders: recorded rows, documented rejections, requests as ccxt sends them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from kit.builders import an_order
from kit.exchanges.recorded_payloads import load_raw_row
from kit.exchanges.stub_exchange import LOST, ReceivedRequest, StubExchange
from oms.adapters.ccxt.client.ccxt_factory import load_ccxt_class
from oms.adapters.ccxt.client.request_errors import ReadFailed, Rejected, RequestError
from oms.adapters.ccxt.orders.ccxt_calls import refuse_unsupported_order
from oms.adapters.ccxt.venues.capabilities import build_capabilities
from oms.adapters.ccxt.venues.catalog import load_venues
from oms.adapters.ccxt.venues.production_hosts import is_production_host
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.domain.errors import Invalid

pytestmark = pytest.mark.recorded
Places = Callable[[str], Any]
Row = dict[str, Any]
ORDERS, FILLS = "/v2/orders", "GET /v2/account/activities/FILL"
SYMBOL = "LTC/USDT"


@dataclass(kw_only=True)
class OneOrder:
    """Alpaca with one order: a recorded one with the terms that were requested."""

    order: Row
    fill: Row
    loses_reply: bool = False
    sent: Row | None = None
    status: str = "new"

    def serve(self, venue: StubExchange) -> None:
        venue.answers |= {
            f"POST {ORDERS}": self._place,
            f"GET {ORDERS}": self._listed,
            f"GET {ORDERS}/{self.order['id']}": lambda _: self._row(),
            f"DELETE {ORDERS}/{self.order['id']}": self._cancel,
            FILLS: self._fills,
        }

    def _place(self, asked: ReceivedRequest) -> Any:
        self.sent = asked.fields
        return LOST if self.loses_reply else self._row()

    def _cancel(self, asked: ReceivedRequest) -> Any:
        self.status = "canceled"
        return ""

    def _listed(self, asked: ReceivedRequest) -> Any:
        is_open = self.status == "new"
        is_listed = self.sent and asked.fields["status"] == ("open" if is_open else "closed")
        return [self._row()] if is_listed else []

    def _row(self) -> Row:
        assert self.sent is not None
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        more = dict.fromkeys(("created_at", "updated_at", "submitted_at"), now)
        filled = self.sent["qty"] if self.status == "filled" else "0"
        more |= {"status": self.status, "filled_qty": filled, "canceled_at": None}
        fields = {**self.order, **more, **self.sent}
        fields["order_type"] = self.sent["type"]
        return fields

    def _fills(self, asked: ReceivedRequest) -> Any:
        if self.status != "filled":
            return []
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        more = {"order_id": self.order["id"], "symbol": SYMBOL, "transaction_time": now}
        return [{**self.fill, **more, "qty": "0.5", "price": "67.31", "side": "sell"}]


@pytest.fixture
def one(recorded_data: Path) -> OneOrder:
    return OneOrder(
        order=load_raw_row(recorded_data, "alpaca", "orders", 0),
        fill=load_raw_row(recorded_data, "alpaca", "trades", 0),
    )


@pytest.mark.parametrize("loses_reply", [False, True], ids=["answered", "reply-lost"])
async def test_an_order_is_sent_found_and_executed(
    places: Places, one: OneOrder, loses_reply: bool
) -> None:
    place = places("alpaca")
    one.loses_reply = loses_reply
    one.serve(place.venue)
    harness = await place.harness()
    await harness.send(1, "sell", "0.5", "67.31", symbol=SYMBOL)
    await harness.wait_for_state(1, "SUBMITTED")
    terms = {"symbol": SYMBOL, "side": "sell", "type": "limit", "qty": "0.5"}
    terms |= {"limit_price": "67.31", "time_in_force": "gtc"}
    name = harness.attempts[1, 1, "place"].client_id
    assert one.sent == terms | {"client_order_id": name}
    assert harness.orders[1].exchange_order_id == one.order["id"]
    one.status = "filled"
    await harness.wait_for_state(1, "FILLED")
    await harness.exchange.close()
    (execution,) = {r.execution for r in harness.reports if r.execution is not None}
    assert (execution.qty, execution.price) == (Decimal("0.5"), Decimal("67.31"))
    assert execution.exchange_trade_id == one.fill["id"]
    assert (execution.fee, execution.maker) == (None, None), "Alpaca reports neither with a fill"
    assert all(asked.fields["direction"] == "asc" for asked in place.venue.sent(FILLS))
    opened = [a for a in place.venue.sent(f"GET {ORDERS}") if a.fields["status"] == "open"]
    assert {asked.fields["limit"] for asked in opened} == {"500"}


async def test_a_stop_limit_keeps_its_id_and_is_canceled(places: Places, one: OneOrder) -> None:
    place = places("alpaca")
    one.serve(place.venue)
    harness = await place.harness()
    terms = {"order_type": "stop_limit", "trigger_price": Decimal(60)}
    await harness.send(1, "sell", "0.5", "59", symbol=SYMBOL, **terms)
    await harness.wait_for_state(1, "SUBMITTED")
    assert one.sent is not None
    assert (one.sent["type"], one.sent["stop_price"], one.sent["limit_price"]) == (
        *("stop_limit", "60", "59"),
    )
    await harness.cancel(1)
    await harness.wait_for_state(1, "CANCELED")
    await harness.exchange.close()
    (asked,) = place.venue.sent(f"DELETE {ORDERS}/{one.order['id']}")
    assert asked.fields == {}


@pytest.mark.parametrize(
    ("status", "code", "message", "meaning"),
    [
        (422, 40010001, "client_order_id must be unique", "outcome_unknown"),
        (403, 40310000, "cost basis must be >= minimal amount of order 10", "exchange_rejected"),
        (403, 40310000, "insufficient balance for USDT (requested: 2)", "insufficient_funds"),
        (403, 40310000, "new orders are rejected by user request", "auth_failed"),
        (422, 42210000, "invalid crypto time_in_force", "exchange_rejected"),
    ],
)
async def test_rejections_are_classified(
    places: Places, status: int, code: int, message: str, meaning: str
) -> None:
    place = places("alpaca")
    route = f"POST {ORDERS}"
    place.venue.answers[route] = {"code": code, "message": message}
    place.venue.statuses[route] = status
    client = await place.opened()
    with pytest.raises(RequestError) as refused:
        await client.write("create_order", SYMBOL, "limit", "buy", Decimal(1), Decimal(9))
    assert refused.value.code == meaning


async def test_an_order_that_ended_or_does_not_exist_is_not_found(places: Places) -> None:
    place = places("alpaca")
    name, body = f"{ORDERS}/x1", {"code": 42210000, "message": 'order is already in "filled" state'}
    place.venue.answers |= {
        f"DELETE {name}": body,
        f"GET {name}": {"code": 40410000, "message": "order is not found."},
    }
    place.venue.statuses |= {f"DELETE {name}": 422, f"GET {name}": 404}
    client = await place.opened()
    with pytest.raises(Rejected) as refused:
        await client.write("cancel_order", "x1", SYMBOL)
    assert refused.value.code == "order_not_found"
    with pytest.raises(ReadFailed) as failed:
        await client.read("fetch_order", "x1", SYMBOL, {})
    assert failed.value.code == "order_not_found"


@pytest.mark.parametrize(
    "changes",
    [
        {"order_type": "stop_market", "trigger_price": Decimal(9)},
        {"order_type": "take_profit_limit", "trigger_price": Decimal(9)},
        {"time_in_force": "FOK"},
        {"post_only": True},
    ],
    ids=lambda changes: "-".join(changes),
)
async def test_forms_that_alpaca_does_not_have_are_refused(
    places: Places, changes: dict[str, Any]
) -> None:
    client = await places("alpaca").opened()
    order = an_order(symbol=SYMBOL, **changes)
    with pytest.raises(Invalid) as refused:
        refuse_unsupported_order(order, client.instruments[SYMBOL], get_profile("alpaca"))
    assert refused.value.code == "order_type_not_supported"


def test_the_paper_host_is_the_test_environment() -> None:
    hosts = load_venues()["alpaca"].environments
    assert "paper-api.alpaca.markets" in hosts["testnet"].rest
    assert "api.alpaca.markets" in hosts["live"].rest
    assert "api.alpaca.markets" not in hosts["testnet"].all
    assert is_production_host("api.alpaca.markets")
    assert not is_production_host("paper-api.alpaca.markets")
    exchange = load_ccxt_class("ccxt", "alpaca")()
    exchange.set_sandbox_mode(True)
    trader = exchange.implode_hostname(exchange.urls["api"]["trader"])
    assert urlsplit(trader).hostname == "paper-api.alpaca.markets"


def test_its_capabilities() -> None:
    capabilities = build_capabilities(load_venues()["alpaca"], "testnet")
    assert capabilities["label"].value == "recorded"
    assert capabilities["order_types"].value == {"spot": ["market", "limit", "stop_limit"]}
    assert capabilities["edit"].value == {"spot": "emulated"}
