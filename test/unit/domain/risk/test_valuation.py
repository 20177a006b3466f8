"""The price that values an entry: a price far from the market hides no size."""

from decimal import Decimal

import pytest

from oms.domain.orders.order import Side
from oms.domain.risk.exposure import Entry
from oms.domain.risk.limit_context import Market
from oms.domain.risk.valuation import needs_market, valuation_of

BUY, SELL = Side.BUY, Side.SELL
MARKET = Market(bid=Decimal(99), ask=Decimal(101), at="noon")


@pytest.mark.parametrize(
    ("side", "order_type", "price", "trigger", "worth", "without_market", "is_at_market"),
    [
        (BUY, "market", None, None, 101, None, True),
        (SELL, "market", None, None, 99, None, True),
        (SELL, "trailing_stop", None, None, 99, None, True),
        (SELL, "limit", 1, None, 99, 1, True),
        (SELL, "limit", 200, None, 200, 200, True),
        (BUY, "limit", 1, None, 1, 1, False),
        (BUY, "limit", 200, None, 200, 200, False),
        (BUY, "stop_market", None, 1, 101, 1, True),
        (BUY, "stop_market", None, 200, 200, 200, True),
        (SELL, "stop_market", None, 1, 1, 1, False),
        (BUY, "take_profit_market", None, 1, 1, 1, False),
        (SELL, "take_profit_market", None, 1, 99, 1, True),
        (SELL, "stop_limit", 1, 90, 90, 90, False),
        (BUY, "stop_limit", 2, 1, 2, 2, False),
    ],
)
def test_an_entry_is_valued_at_what_it_may_be_filled_at(
    side: Side,
    order_type: str,
    price: int | None,
    trigger: int | None,
    worth: int,
    without_market: int | None,
    is_at_market: bool,
) -> None:
    entry = Entry(
        symbol="BTC/USDT:USDT",
        side=side,
        order_type=order_type,
        qty=Decimal(1),
        price=None if price is None else Decimal(price),
        trigger_price=None if trigger is None else Decimal(trigger),
    )
    assert valuation_of(entry, MARKET) == worth
    assert valuation_of(entry, None) == without_market
    assert needs_market(entry) is is_at_market
