"""Pairs of orders of which one cancels the other (OCO): a limit order and a stop.

On paper the exchange links them. Elsewhere both are orders of the gateway with one ``group_id``,
the id of the limit order: the first fill of one cancels the other, and the rest of the filled one
goes on; one that ends without a fill ends the other too. Both may be filled before a cancel
arrives: what the exchange reports is booked.
"""

from decimal import Decimal

from oms.domain.commands.command import SendOrder
from oms.domain.errors import Invalid
from oms.domain.money import parse_decimal
from oms.domain.orders.order import Order, OrderState
from oms.domain.orders.order_types import OCO_PARAM
from oms.domain.side import Side
from oms.domain.value import evolve

OCO = "oco"
"""``cancel_reason`` of an order that is canceled because of the other order of its pair."""


def split_pair(request: SendOrder) -> tuple[SendOrder, SendOrder]:
    """Return the limit order and the stop of a request whose params name the stop.

    Raises ``Invalid`` if they make no pair.
    """
    stop = request.params[OCO_PARAM]
    if request.order_type != "limit" or request.price is None or not isinstance(stop, dict):
        raise _unsupported("goes with a limit order and is an object")
    if unknown := sorted(stop.keys() - {"triggerPrice", "price"}):
        raise _unsupported(f"has no key {unknown[0]}")
    if request.time_in_force not in (None, "GTC") or request.trigger_price is not None:
        raise _unsupported("goes with a limit order that rests until it is canceled")
    trigger, price = _price(stop, "triggerPrice"), _price(stop, "price")
    if trigger is None:
        raise _unsupported("needs a triggerPrice")
    is_sale = request.side is Side.SELL
    if trigger >= request.price if is_sale else trigger <= request.price:
        raise _unsupported(f"lies {'below' if is_sale else 'above'} the price of the limit order")
    params = {name: each for name, each in request.params.items() if name != OCO_PARAM}
    limit = evolve(request, params=params)
    return limit, evolve(
        limit,
        order_type="stop_market" if price is None else "stop_limit",
        price=price,
        trigger_price=trigger,
        post_only=False,
        client_order_id=None,
        reason="sl",
    )


def is_pair_order(order: Order) -> bool:
    """Return whether the order is one of a pair."""
    return order.group_id is not None and OCO_PARAM in order.params


def ends_other(order: Order, other: Order) -> bool:
    """Return whether the state of ``order`` requires that ``other`` of its pair be canceled."""
    if other.cancel_reason is not None or not other.is_open:
        return False
    if order.filled_qty:
        return order.cancel_reason is None  # else the other one was filled first
    return not order.is_open and not other.filled_qty


def may_revive(order: Order) -> bool:
    """Return whether the exchange may still list the order, although it counts as not placed."""
    return order.state is OrderState.REJECTED and order.reject_code == "not_placed"


def _price(stop: dict[str, object], name: str) -> Decimal | None:
    sent = stop.get(name)
    if sent is None:
        return None
    try:
        price = parse_decimal(str(sent))
    except ValueError:
        raise _unsupported(f"has no valid {name}") from None
    if price <= 0:
        raise _unsupported(f"has no valid {name}")
    return price


def _unsupported(problem: str) -> Invalid:
    return Invalid(f"params.{OCO_PARAM} {problem}", code="order_type_not_supported")
