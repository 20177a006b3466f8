"""Rows become ccxt structures: every key, floats or text, missing columns."""

from decimal import Decimal
from typing import Any

import pytest
from ccxt.base.types import Position

from ccxt_driver.structures import StructureBuilder
from kit.http.stub_transport import DEAL, ORDER, POSITION

OMS, CCXT, TEXT = StructureBuilder(), StructureBuilder(dialect="ccxt"), StructureBuilder(number=str)


def test_order_structure() -> None:
    fee = {"cost": 0.0001, "currency": "BTC"}
    assert OMS.order(ORDER) == {
        "id": "42",
        "clientOrderId": "mine-1",
        "symbol": "BTC/USDT",
        "type": "limit",
        "side": "buy",
        "price": 100.5,
        "amount": 0.3,
        "filled": 0.1,
        "remaining": 0.2,
        "status": "open",
        "timestamp": 1772049600123,
        "info": ORDER,
        "datetime": "2026-02-25T20:00:00.123Z",
        "lastTradeTimestamp": 1772049601250,
        "lastUpdateTimestamp": 1772049601500,
        "timeInForce": "GTC",
        "postOnly": False,
        "reduceOnly": False,
        "average": 100.1,
        "cost": 10.01,
        "stopPrice": None,
        "triggerPrice": None,
        "takeProfitPrice": 120,
        "stopLossPrice": 90,
        "fee": fee,
        "fees": [fee],
        "trades": [],
    }


def test_trade_structure() -> None:
    fee = {"cost": 0.0001, "currency": "BTC"}
    assert OMS.trade(DEAL) == {
        "id": "9",
        "order": "42",
        "symbol": "BTC/USDT",
        "side": "buy",
        "price": 100.1,
        "amount": 0.1,
        "cost": 10.01,
        "fee": fee,
        "timestamp": 1772049601250,
        "info": DEAL,
        "datetime": "2026-02-25T20:00:01.250Z",
        "type": None,
        "takerOrMaker": "taker",
        "fees": [fee],
    }


def test_position_structure() -> None:
    position = OMS.position(POSITION)
    values = {key: value for key, value in position.items() if value is not None}
    assert values == {
        "id": "3",
        "symbol": "BTC/USDT",
        "side": "buy",
        "contracts": 0.1,
        "entryPrice": 100.1,
        "timestamp": 1772049601250,
        "info": POSITION,
        "datetime": "2026-02-25T20:00:01.250Z",
        "lastUpdateTimestamp": 1772049602000,
        "contractSize": 1,
        "notional": 10.51,
        "markPrice": 105.1,
        "unrealizedPnl": 0.5,
        "realizedPnl": 0,
        "stopLossPrice": 90,
    }
    assert set(Position.__annotations__) <= set(position)


def test_numbers_as_text() -> None:
    order = TEXT.order({**ORDER, "filled_qty": "0.10", "avg_fill_price": "1E+2"})
    values = [order[key] for key in ("amount", "filled", "remaining", "average", "cost")]
    assert values == ["0.3", "0.1", "0.2", "100", "10"]
    assert order["fee"]["cost"] == "0.0001"
    assert TEXT.position(POSITION)["contractSize"] == "1"


def test_numbers_as_text_are_exact() -> None:
    row = {"qty": "123456789012345678.123456789012345678", "price": "3"}
    assert TEXT.trade(row)["amount"] == "123456789012345678.123456789012345678"
    assert TEXT.trade(row)["cost"] == "370370367037037034.370370367037037034"


@pytest.mark.parametrize(
    ("status", "state", "oms", "ccxt"),
    [
        ("FILLED", "FILLED", "closed", "closed"),
        ("CANCELED", "CANCELED", "canceled", "canceled"),
        ("CANCELED", "EXPIRED", "canceled", "expired"),
        ("CANCELED", None, "canceled", "canceled"),
        ("EXPIRED", None, "canceled", "expired"),
        ("REJECTED", "REJECTED", "rejected", "rejected"),
        ("SUBMITTED", "SUBMITTED", "open", "open"),
        ("PENDING_SUBMIT", "PENDING_SUBMIT", "open", "open"),
        ("UNKNOWN", "UNKNOWN", "open", "open"),
        ("SOMETHING_NEW", None, "open", "open"),
        (None, None, "open", "open"),
    ],
)
def test_status_by_dialect(status: Any, state: Any, oms: str, ccxt: str) -> None:
    row = {"status": status, "state": state}
    assert OMS.order(row)["status"] == oms
    assert CCXT.order(row)["status"] == ccxt


@pytest.mark.parametrize(("side", "expected"), [("buy", "long"), ("sell", "short"), (None, None)])
def test_position_side_by_dialect(side: Any, expected: Any) -> None:
    assert OMS.position({"side": side})["side"] == side
    assert CCXT.position({"side": side})["side"] == expected


def test_remaining_is_not_negative_after_an_overfill() -> None:
    assert OMS.order({"qty": "1", "filled_qty": "1.5"})["remaining"] == 0


def test_timestamps_fall_back_to_another_column() -> None:
    assert OMS.order({"updated_at": ORDER["updated_at"]})["timestamp"] == 1772049601500
    assert OMS.trade({"created_at": DEAL["created_at"]})["timestamp"] == 1772049602000


@pytest.mark.parametrize("row", [{}, dict.fromkeys(ORDER), dict.fromkeys(ORDER, "?")])
def test_missing_columns_become_none(row: dict[str, Any]) -> None:
    for empty, whole in (
        (OMS.order(row), OMS.order(ORDER)),
        (OMS.trade(row), OMS.trade(DEAL)),
        (OMS.position(row), OMS.position(POSITION)),
    ):
        assert set(empty) == set(whole)
        columns = ("filled", "amount", "price", "cost", "timestamp", "datetime", "fee", "contracts")
        assert {empty[key] for key in columns if key in empty} == {None}


def test_quantities_of_contracts_are_counted_in_contracts() -> None:
    builder = StructureBuilder(dialect="ccxt", contract_sizes={"BTC/USDT:USDT": Decimal("0.01")})
    row = {**ORDER, "symbol": "BTC/USDT:USDT", "qty": "0.3", "filled_qty": "0.1"}
    order = builder.order(row)
    assert (order["amount"], order["filled"], order["remaining"]) == (30, 10, 20)
    assert order["cost"] == OMS.order(row)["cost"]
    assert builder.trade({**DEAL, "symbol": "BTC/USDT:USDT"})["amount"] == 10
    position = builder.position({**POSITION, "symbol": "BTC/USDT:USDT"})
    assert (position["contracts"], position["contractSize"]) == (10, 0.01)
    assert OMS.position(POSITION)["contractSize"] == 1
