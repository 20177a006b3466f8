"""Change the stop levels that an order will bring to its position.

They belong to the gateway, so nothing is sent. With its first execution an order has handed its
levels to the position, where they are changed from then on.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from oms.domain.commands.command import (
    KEEP,
    ChangeOrder,
    ChangePosition,
    CommandResult,
    CommandStatus,
)
from oms.domain.errors import Refused
from oms.domain.instrument import Instrument
from oms.domain.money import parse_decimal
from oms.domain.orders.order import Order
from oms.domain.orders.order_rounding import is_rounding_refused, round_levels
from oms.domain.protection.level_prices import percent_prices, refuse_levels, refuse_percent
from oms.domain.protection.levels import NO_LEVELS, SETTABLE
from oms.domain.risk.admission import refuse_not_open
from oms.domain.side import Side
from oms.domain.value import evolve
from oms.services.account_state.state import AccountState
from oms.services.ledger.record import Changes

_PRICES = ("stop_loss", "stop_gain")


def change_order_levels(
    state: AccountState, order: Order, payload: ChangeOrder, changes: Changes, now: datetime
) -> CommandResult:
    """Replace the levels that the command names; null clears one."""
    instrument = state.exchange.instruments()[order.symbol]
    refused = _refuse_state(order)
    if refused is None:
        request = _to_request(payload.levels or {})
        if not is_rounding_refused(order.params):
            request = round_levels(request, order.side, instrument)
        after = with_order_levels(order, request)
        refused = _refuse_activation(request, after)
    if refused is None:
        quote = state.exchange.quote(order.symbol, now)
        market = None if quote is None else quote.bid if order.side is Side.BUY else quote.ask
        refused = refuse_order_levels(after, instrument, market)
    if refused is not None:
        return CommandResult.refused(refused, order_id=order.id)
    changed = evolve(after, updated_at=now, version=order.version + 1)
    state.put_order(changed)
    changes.orders[order.id] = changed
    changes.exec_types[order.id] = ("replaced", False)
    return CommandResult(status=CommandStatus.DONE, order_id=order.id)


def with_order_levels(order: Order, request: ChangePosition) -> Order:
    """Return the order with the levels of the request.

    A price replaces the percentage of the same level, a percentage the price.
    """
    prices: dict[str, Decimal | None] = {}
    levels: dict[str, object] = {}
    for name in _PRICES:
        price, percent = getattr(request, name), getattr(request, f"{name}_pct")
        if percent is not KEEP:
            levels[f"{name}_pct"] = percent
            if percent is not None:
                prices[name] = None
        if price is not KEEP:
            prices[name] = price
            if price is not None:
                levels[f"{name}_pct"] = None
    for name in SETTABLE:
        if name not in ("stop_loss_pct", "stop_gain_pct") and getattr(request, name) is not KEEP:
            levels[name] = getattr(request, name)
    if levels.get("stop_trailing_pct") is not None:
        levels["stop_trailing_amount"] = None
    elif levels.get("stop_trailing_amount") is not None:
        levels["stop_trailing_pct"] = None
    after = evolve(order.levels or NO_LEVELS, **levels)
    if not after.is_trailing:
        after = evolve(after, stop_trailing_activation_pct=None)
    return evolve(order, **prices, levels=None if after == NO_LEVELS else after)


def refuse_order_levels(
    order: Order, instrument: Instrument, market: Decimal | None
) -> Refused | None:
    """Refuse levels that would close the position at once; ``market`` prices a market order."""
    refused = refuse_percent(order.side, order.levels)
    base = order.price or order.trigger_price or market
    if refused is not None or base is None:
        return refused
    loss, gain = percent_prices(order.side, base, order.levels, instrument.tick)
    return refuse_levels(order.side, order.stop_loss or loss, order.stop_gain or gain, base)


def _refuse_state(order: Order) -> Refused | None:
    if not order.is_open:
        return refuse_not_open(order)
    if order.reduce_only:
        message = f"order {order.id} only reduces; it brings no levels to a position"
        return Refused(code="validation_error", reason="reduce_only", message=message)
    if order.filled_qty:
        message = (
            f"order {order.id} has brought its levels to position {order.position_id};"
            " change them there by position_change"
        )
        return Refused(code="invalid_order_state", reason="levels_taken", message=message)
    return None


def _refuse_activation(request: ChangePosition, after: Order) -> Refused | None:
    is_trailing = after.levels is not None and after.levels.is_trailing
    if is_trailing or not isinstance(request.stop_trailing_activation_pct, Decimal):
        return None
    message = "stop_trailing_activation_pct goes with a trailing stop"
    return Refused(code="validation_error", reason="invalid_stops", message=message)


def _to_request(levels: Mapping[str, Any]) -> ChangePosition:
    """Return the stored levels as a request: numbers are text, but for the whole seconds."""
    parsed: dict[str, Any] = {
        name: parse_decimal(each) if isinstance(each, str) else each
        for name, each in levels.items()
    }
    return ChangePosition(position_id=0, **parsed)
