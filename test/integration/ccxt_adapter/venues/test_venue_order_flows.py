"""Whole order flows at venues without live tests: amended in place, executed, in hedge mode."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kit.exchanges.recorded_payloads import load_raw_row
from kit.exchanges.stub_exchange import ReceivedRequest, now_ms
from oms.adapters.ccxt.orders.ccxt_calls import build_amend_call
from oms.adapters.ccxt.orders.order_cache import TrackedOrder
from oms.domain.account import PositionMode
from oms.domain.side import Side

Places = Callable[[str], Any]
SWAP = "BTC/USDT:USDT"

#: Venue, symbol; the route of an amendment, its reply, the new quantity in base; the fields sent.
CHANGES: list[tuple[str, str, str, Any, str, dict[str, Any]]] = [
    (
        "okx",
        SWAP,
        "POST /api/v5/trade/amend-order",
        {"code": "0", "data": [{"ordId": "x1", "clOrdId": "", "sCode": "0", "sMsg": ""}]},
        "0.002",
        {"ordId": "x1", "newSz": "0.2", "newPx": "90", "instId": "BTC-USDT-SWAP"},
    ),
    (
        "kraken",
        "BTC/USDT",
        "POST /0/private/AmendOrder",
        {"error": [], "result": {"amend_id": "TJSMEH-AA67V-YUSQ6O"}},
        "0.5",
        {"txid": "x1", "order_qty": "0.5", "limit_price": "90"},
    ),
    (
        "gate",
        "ETH/USDT",
        "PATCH /api/v4/spot/orders/x1",
        {"id": "x1", "status": "open", "currency_pair": "ETH_USDT", "amount": "2", "left": "2"},
        "2",
        {"currency_pair": "ETH_USDT", "amount": "2", "price": "90"},
    ),
    (
        "gate",
        "ETH/USDT:USDT",
        "PUT /api/v4/futures/usdt/orders/x1",
        {"id": "x1", "status": "open", "contract": "ETH_USDT", "size": 2, "left": 2, "price": "90"},
        "0.02",
        {"size": 2, "price": "90"},
    ),
]


@pytest.mark.parametrize("one", CHANGES, ids=lambda one: f"{one[0]}-{one[1]}")
async def test_an_order_is_amended_in_place(one: Any, places: Places) -> None:
    """One request with both terms, the quantity in the venue's own units."""
    venue, symbol, route, answer, qty, sent = one
    place = places(venue)
    place.venue.answers[route] = answer
    client = await place.opened()
    known = TrackedOrder(
        order_id=1,
        symbol=symbol,
        side=Side.BUY,
        order_type="limit",
        qty=Decimal(1),
        price=Decimal(80),
        created_at=datetime.now(UTC),
        exchange_order_id="x1",
    )
    call = build_amend_call(known, client.instruments[symbol], Decimal(qty), Decimal(90))
    assert (await client.write(call.method, *call.args))["id"]
    (asked,) = place.venue.sent(route)
    assert {key: asked.fields.get(key) for key in sent} == sent


def mode_of(venue: str, *, is_hedged: bool) -> dict[str, Any]:
    """The venue's reply for each position mode."""
    mode = "long_short_mode" if is_hedged else "net_mode"
    config = {"code": "0", "data": [{"perm": "trade", "posMode": mode}]}
    fields = {"code": "200000", "data": {"positionMode": 1 if is_hedged else 0}}
    if venue == "okx":
        return {"GET /api/v5/account/config": config}
    return {"GET /api/v2/position/getPositionMode": fields}


@pytest.mark.parametrize(
    ("venue", "route", "key", "legs"),
    [
        ("okx", "POST /api/v5/trade/order", "posSide", ("long", "long")),
        ("kucoin", "POST /api/v1/orders", "positionSide", ("LONG", "LONG")),
    ],
)
@pytest.mark.parametrize("is_hedged", [True, False])
async def test_a_leg_is_sent_in_hedge_mode(
    venue: str, route: str, key: str, legs: tuple[str, str], is_hedged: bool, places: Places
) -> None:
    """A buy opens the long, a reducing sell closes it; in one-way mode neither is sent."""
    place = places(venue)
    sent: list[Any] = []

    def taken(asked: ReceivedRequest) -> Any:
        sent.append(asked.fields)
        if venue == "okx":
            return {"code": "0", "data": [{"ordId": f"x{len(sent)}", "sCode": "0"}]}
        return {"code": "200000", "data": {"orderId": f"x{len(sent)}"}}

    place.venue.answers = mode_of(venue, is_hedged=is_hedged) | place.venue.answers
    place.venue.answers |= mode_of(venue, is_hedged=is_hedged) | {route: taken}
    harness = await place.harness(mode=PositionMode.HEDGE)
    await harness.send(1, "buy", "0.01", "2000", symbol=SWAP)
    await harness.send(2, "sell", "0.01", "2000", symbol=SWAP, reduce_only=True)
    await harness.wait_until(lambda: len(sent) == 2, "both sent")
    await harness.exchange.close()
    by_side = {fields["side"]: fields for fields in sent}
    named = (by_side["buy"].get(key), by_side["sell"].get(key))
    assert named == (legs if is_hedged else (None, None))
    if not is_hedged:
        assert "reduceOnly" not in by_side["sell"]


@pytest.mark.recorded
async def test_an_order_is_executed_in_base_with_its_fee(
    places: Places, recorded_data: Path
) -> None:
    """OKX fills ten hundredths of a contract of 0.01: 0.001 in the ledger, with its fee."""
    place = places("okx")
    order = load_raw_row(recorded_data, "okx", "orders", 10) | {
        "state": "filled",
        "accFillSz": "0.10",
    }
    fill = load_raw_row(recorded_data, "okx", "trades", 2)
    sent: list[Any] = []

    def placed(asked: ReceivedRequest) -> Any:
        sent.append(asked.fields)
        return {"code": "0", "data": [{"ordId": order["ordId"], "clOrdId": "", "sCode": "0"}]}

    def shown(asked: ReceivedRequest) -> Any:
        now = str(now_ms())
        fields = order | {"clOrdId": sent[0]["clOrdId"], "cTime": now, "uTime": now}
        return {"code": "0", "data": [fields]}

    def fills(asked: ReceivedRequest) -> Any:
        fields = fill | {
            "instId": "BTC-USDT-SWAP",
            "instType": "SWAP",
            "ordId": order["ordId"],
            "fillSz": "0.10",
            "fillPx": "103500",
            "fee": "-0.05",
            "feeCcy": "USDT",
            "ts": str(now_ms()),
            "posSide": "net",
        }
        is_there = bool(sent) and asked.fields.get("instType") == "SWAP"
        return {"code": "0", "data": [fields] if is_there else []}

    place.venue.answers |= {
        "POST /api/v5/trade/order": placed,
        "GET /api/v5/trade/order": shown,
        "GET /api/v5/trade/fills-history": fills,
    }
    harness = await place.harness()
    await harness.send(1, "buy", "0.001", "103500", symbol=SWAP)
    await harness.wait_for_state(1, "FILLED")
    await harness.exchange.close()
    (execution,) = {r.execution for r in harness.reports if r.execution is not None}
    assert (execution.qty, execution.price) == (Decimal("0.001"), Decimal(103500))
    assert (execution.fee, execution.fee_currency) == (Decimal("0.05"), "USDT")
    assert harness.orders[1].filled_qty == Decimal("0.001")
