"""Order validation: required fields per type, contradictions, supported types."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.builders import NOON
from oms.domain.commands.command import ClosePosition, SendOrder
from oms.domain.orders.order_types import ORDER_TYPE_NAMES
from oms.domain.orders.order_validation import (
    is_post_only,
    limit_price,
    refuse_invalid_order,
    valuation_price,
)
from oms.domain.side import Side

LIMIT = {"order_type": "limit", "price": Decimal(100)}
STOP = {"order_type": "stop_market", "trigger_price": Decimal(90)}
LATER = NOON + timedelta(hours=1)


def a_request(**changes: Any) -> SendOrder:
    values: dict[str, Any] = {
        "symbol": "BTC/USDT:USDT",
        "side": Side.BUY,
        "order_type": "market",
        "qty": Decimal(1),
    }
    return SendOrder(**(values | changes))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        LIMIT,
        STOP,
        {**LIMIT, **STOP, "order_type": "stop_limit"},
        {**STOP, "order_type": "take_profit_market", "take_profit_price": Decimal(90)},
        {**LIMIT, **STOP, "order_type": "take_profit_limit"},
        {"order_type": "trailing_stop", "trailing_amount": Decimal(5)},
        {"order_type": "trailing_stop", "trailing_percent": Decimal("1.5")},
        {"time_in_force": "IOC"},
        {**LIMIT, "time_in_force": "FOK"},
        {**LIMIT, "time_in_force": "PO", "post_only": True},
        {**LIMIT, "time_in_force": "GTD", "expires_at": LATER},
        {"price": Decimal(3)},
    ],
)
def test_accepted_order_types(changes: dict[str, Any]) -> None:
    assert refuse_invalid_order(a_request(**changes), is_paper=True) is None


@pytest.mark.parametrize(
    ("changes", "code", "word"),
    [
        ({"order_type": "iceberg"}, "order_type_not_supported", "iceberg"),
        ({"time_in_force": "DAY"}, "order_type_not_supported", "DAY"),
        ({"order_type": "limit"}, "validation_error", "needs a price"),
        ({**STOP, "order_type": "stop_limit"}, "validation_error", "needs a price"),
        ({"order_type": "stop_market"}, "validation_error", "needs a trigger_price"),
        ({**LIMIT, "trigger_price": Decimal(9)}, "validation_error", "has no trigger_price"),
        ({"take_profit_price": Decimal(9)}, "validation_error", "take_profit_price"),
        ({**STOP, "take_profit_price": Decimal(9)}, "validation_error", "take_profit_price"),
        ({"order_type": "trailing_stop"}, "validation_error", "needs one of"),
        (
            {
                "order_type": "trailing_stop",
                "trailing_amount": Decimal(1),
                "trailing_percent": Decimal(1),
            },
            "validation_error",
            "needs one of",
        ),
        (
            {"order_type": "trailing_stop", "trailing_percent": Decimal(100)},
            "validation_error",
            "below 100",
        ),
        ({"trailing_amount": Decimal(1)}, "validation_error", "does not trail"),
        ({"post_only": True}, "validation_error", "cannot be post-only"),
        ({**STOP, "time_in_force": "PO"}, "validation_error", "cannot be post-only"),
        ({**LIMIT, "time_in_force": "FOK", "post_only": True}, "validation_error", "post-only"),
        ({**LIMIT, "time_in_force": "IOC", "post_only": True}, "validation_error", "post-only"),
        ({**LIMIT, "time_in_force": "GTD"}, "validation_error", "needs expires_at"),
        ({"expires_at": LATER}, "validation_error", "GTD only"),
    ],
)
def test_contradictory_order_types(changes: dict[str, Any], code: str, word: str) -> None:
    refused = refuse_invalid_order(a_request(**changes), is_paper=True)
    assert refused is not None
    assert refused.code == code
    assert word in refused.message


def test_faults_are_for_paper_exchanges_only() -> None:
    request = a_request(params={"sim": "timeout"})
    assert refuse_invalid_order(request, is_paper=True) is None
    refused = refuse_invalid_order(request, is_paper=False)
    assert refused is not None
    assert refused.code == "sim_not_supported"


def test_a_close_accepts_the_same_order_types() -> None:
    close = ClosePosition(position_id=1, order_type="stop_market", trigger_price=Decimal(9))
    assert refuse_invalid_order(close, is_paper=True) is None
    refused = refuse_invalid_order(
        ClosePosition(position_id=1, order_type="stop_limit"), is_paper=True
    )
    assert refused is not None
    assert refused.code == "validation_error"


def test_every_wire_order_type_is_supported() -> None:
    needs = {"price": Decimal(1), "trigger_price": Decimal(1), "trailing_amount": Decimal(1)}
    for word in ORDER_TYPE_NAMES.values():
        refused = refuse_invalid_order(a_request(order_type=word, **needs), is_paper=True)
        assert refused is None or refused.code == "validation_error"


def test_prices_of_an_order_type() -> None:
    assert limit_price(a_request(**LIMIT)) == 100
    assert limit_price(a_request(price=Decimal(3))) is None
    assert valuation_price(a_request(**LIMIT), Decimal(7)) == 100
    assert valuation_price(a_request(**STOP), Decimal(7)) == 90
    assert valuation_price(a_request(), Decimal(7)) == 7
    assert is_post_only(a_request(**LIMIT, time_in_force="PO"))
    assert not is_post_only(a_request(**LIMIT))
