"""Limits on new orders that a venue reported, kept with its market table."""

import json
from types import SimpleNamespace
from typing import Any

from oms.adapters.ccxt.client.market_cache import keep_order_limits, read_order_limits
from oms.adapters.ccxt.venues.order_batches import OrderLimit


def test_kept_limits_are_those_reported() -> None:
    exchange: Any = SimpleNamespace(options={})
    limits = [
        OrderLimit(api="fapi", orders=300, seconds=10.0, used_header="x-count-10s"),
        OrderLimit(path="order/create", orders=10),
        OrderLimit(path="order/create-batch", orders=20),
    ]
    keep_order_limits(exchange, limits)
    assert list(read_order_limits(exchange)) == limits
    exchange.options = json.loads(json.dumps(exchange.options))
    assert list(read_order_limits(exchange)) == limits, "also from the stored table"
    keep_order_limits(exchange, [OrderLimit(path="order/create", orders=30)])
    assert [each.orders for each in read_order_limits(exchange)] == [300, 30, 20]
