"""Admission: checks of order requests against the current ledger state, run by the worker.

Every check reads the same ``RiskContext`` and returns ``Refused`` or ``None``. An accepted request
becomes an ``ApprovedOrder`` whose quantity is already reduced to what a reduce-only order may
close. Quantities are never rounded up or increased.
"""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from functools import reduce

from oms.domain.account import Account, Engine, PositionMode
from oms.domain.commands.command import ChangeOrder, ClosePosition, SendOrder
from oms.domain.errors import Refused
from oms.domain.instrument import (
    Instrument,
    InstrumentKind,
    refuse_below_min_notional,
    refuse_off_grid,
)
from oms.domain.ledger.close_lock import is_close_order
from oms.domain.ledger.position import Position
from oms.domain.money import ZERO, add, decimal_text, round_down_to_step, subtract
from oms.domain.orders.order import Order, OrderState, Side
from oms.domain.orders.order_validation import (
    is_post_only,
    limit_price,
    refuse_invalid_order,
    valuation_price,
)
from oms.domain.orders.terms_validation import refuse_new_terms
from oms.domain.risk.account_switches import refuse_account
from oms.domain.risk.exposure import reducible_qty
from oms.domain.risk.kill_switch import KillSwitch, refuse_killed
from oms.domain.risk.policy import AccountPolicy
from oms.domain.value import constructor, evolve, value


@value
class RiskContext:
    """State that admission checks against: one account and one symbol."""

    account: Account
    instrument: Instrument
    #: Open positions of the symbol.
    positions: Sequence[Position]
    #: Open orders of the symbol.
    orders: Collection[Order]
    strategy_ids: frozenset[int]
    #: Price for valuing a market order; ``None`` if unknown.
    price: Decimal | None = None
    #: Strictest kill switch that applies to the order.
    kill_switch: KillSwitch | None = None
    #: ``None`` if no limit is set.
    policy: AccountPolicy | None = None
    #: Refusal of entries while the market is closed.
    closed_market: Refused | None = None


@value
class ApprovedOrder:
    """Content of an admitted order."""

    symbol: str
    side: Side
    order_type: str
    qty: Decimal
    price: Decimal | None
    strategy_id: int
    position_id: int
    reduce_only: bool
    post_only: bool
    #: Why only the part that reduces is sent; ``None`` if all is.
    cut_by: Refused | None = None


_new_approved = constructor(ApprovedOrder)


def admit_send(request: SendOrder, context: RiskContext) -> ApprovedOrder | Refused:
    """Check a request to place an order."""
    target = _target_position(request, context)
    if isinstance(target, Refused):
        return target
    closes = target is not None and target.side is not request.side and _is_hedge(context)
    refused = (
        _refuse_invalid(request, context)
        or refuse_off_grid(context.instrument, qty=request.qty, prices=_prices(request))
        or _refuse_strategy(request, context)
        or (_refuse_over_close(request.qty, target, context) if closes and target else None)
        or refuse_killed(context.kill_switch, opens=False)
    )
    if refused is not None:
        return refused
    if _is_unnamed_spot_sale(request, target, context):
        refused, closes = _refuse_spot_short(request, context), True
        if refused is not None:
            return refused
    reduce_only = request.reduce_only or closes
    qty, cut_by = request.qty, None
    if reduce_only and not closes:
        qty = min(qty, _reducible(request, target, context))
        if not qty:
            return _nothing_to_reduce(request)
    elif not reduce_only and (refused := _refuse_opening(request, context)) is not None:
        qty = min(qty, _free_to_reduce(request, context))
        if refused.code != "risk_blocked" or _is_hedge(context) or not qty:
            return refused
        reduce_only, cut_by = True, refused  # reducing is allowed, opening is not
    return _new_approved(
        symbol=request.symbol,
        side=request.side,
        order_type=request.order_type,
        qty=qty,
        price=limit_price(request),
        strategy_id=request.strategy_id,
        position_id=request.position_id,
        reduce_only=reduce_only,
        post_only=is_post_only(request),
        cut_by=cut_by,
    )


def admit_close(
    request: ClosePosition, position: Position, context: RiskContext
) -> ApprovedOrder | Refused:
    """Check a request to close an open position or a part of it."""
    reducible = position.qty.copy_abs()
    strategy_id = request.strategy_id or position.strategy_id
    own_only = context.account.position_mode is PositionMode.STRATEGY_NETTING
    if own_only and strategy_id != position.strategy_id:
        message = f"position {position.id} belongs to strategy {position.strategy_id}"
        return Refused(code="invalid_strategy_id", message=message)
    if request.for_level:
        context = evolve(context, orders=())  # It waits beside closes, and shrinks with the rest.
    if any(is_close_order(order, position.id) for order in context.orders):
        message = f"an order that closes position {position.id} is already open"
        return Refused(code="position_close_in_progress", message=message)
    qty = (
        request.qty
        if request.qty is not None
        else round_down_to_step(reducible, context.instrument.step)
    )
    refused = (
        _refuse_invalid(request, context)
        or refuse_off_grid(
            context.instrument, qty=qty, prices=(request.price, request.trigger_price)
        )
        or _refuse_over_close(qty, position, context)
        or refuse_killed(context.kill_switch, opens=False)
    )
    if refused is not None:
        return refused
    return _new_approved(
        symbol=position.symbol,
        side=Side.SELL if position.qty > 0 else Side.BUY,
        order_type=request.order_type,
        qty=qty,
        price=limit_price(request),
        strategy_id=strategy_id,
        position_id=position.id,
        reduce_only=True,
        post_only=is_post_only(request),
    )


def _refuse_other_terms(request: ChangeOrder, order: Order) -> Refused | None:
    """Refuse a change that names another symbol, side or type than the order's."""
    for name in ("symbol", "side", "order_type"):
        expected, own = getattr(request, name), getattr(order, name)
        if expected is not None and expected != own:
            message = f"the {name} of order {order.id} is {own}; it cannot be changed"
            return Refused(code="validation_error", reason=name, message=message)
    return None


def admit_change(request: ChangeOrder, order: Order, context: RiskContext) -> Refused | None:
    """Check a request to change the terms of an order."""
    if not order.is_open:
        return refuse_not_open(order)
    refused = _refuse_other_terms(request, order)
    if refused is not None:
        return refused
    if order.pending_change is not None:
        message = f"order {order.id} already has a pending {order.pending_change}"
        return Refused(code="invalid_order_state", reason="change_pending", message=message)
    if order.state is OrderState.UNKNOWN:
        message = f"whether order {order.id} is at the exchange is not known yet"
        return Refused(code="invalid_order_state", reason="order_in_doubt", message=message)
    if request.new_price is not None and order.price is None:
        message = f"order {order.id} is a {order.order_type} order and has no price"
        return Refused(code="validation_error", message=message)
    terms = request.terms
    if terms is not None and (refused := refuse_new_terms(terms, order)) is not None:
        return refused
    if request.new_qty is not None and request.new_qty < order.filled_qty:
        message = (
            f"new_qty {decimal_text(request.new_qty)} is below what order {order.id} has filled"
        )
        return Refused(
            code="invalid_order_state",
            reason="too_late",
            message=message,
            limit=order.filled_qty,
            value=request.new_qty,
            set_by="order",
        )
    grows = request.new_qty is not None and request.new_qty > order.qty
    opens = grows and not order.reduce_only
    refused = _refuse_account(context, order.strategy_id) if opens else None
    refused = refused or refuse_killed(context.kill_switch, opens=opens)
    if refused is not None:
        return refused
    prices = (request.new_price, request.new_trigger_price)
    return refuse_off_grid(context.instrument, qty=request.new_qty, prices=prices)


def refuse_not_open(order: Order) -> Refused:
    """Return the refusal for an order that is final."""
    message = f"order {order.id} is {order.state.value}, not open"
    return Refused(code="invalid_order_state", reason="order_not_open", message=message)


def refuse_unknown_symbol(
    symbol: str, instruments: Mapping[str, Instrument], exchange_id: str
) -> Refused:
    """Return the refusal for a symbol that the exchange does not have; suggests similar ones."""
    base = symbol.partition("/")[0].upper()
    similar = [name for name in instruments if name.startswith(f"{base}/")][:3]
    hint = f"; did you mean {' or '.join(similar)}?" if similar else ""
    message = f"{exchange_id} does not trade {symbol!r}{hint}"
    return Refused(code="instrument_not_supported", message=message)


def _is_hedge(context: RiskContext) -> bool:
    return context.account.position_mode is PositionMode.HEDGE


def _prices(request: SendOrder) -> tuple[Decimal | None, ...]:
    return (request.price, request.trigger_price, request.stop_loss, request.stop_gain)


def _target_position(request: SendOrder, context: RiskContext) -> Position | Refused | None:
    if not request.position_id:
        return None
    per_strategy = context.account.position_mode is PositionMode.STRATEGY_NETTING
    for position in context.positions:
        if position.id != request.position_id:
            continue
        if not per_strategy or position.strategy_id == request.strategy_id:
            return position
        message = f"position {position.id} belongs to strategy {position.strategy_id}"
        return Refused(code="invalid_position_id", reason="other_strategy", message=message)
    message = (
        f"position {request.position_id} is not an open position of"
        f" {request.symbol} in this account"
    )
    return Refused(code="invalid_position_id", message=message)


def _refuse_invalid(request: SendOrder | ClosePosition, context: RiskContext) -> Refused | None:
    return refuse_invalid_order(request, is_paper=context.account.engine is Engine.PAPER)


def _refuse_strategy(request: SendOrder, context: RiskContext) -> Refused | None:
    if (
        not request.strategy_id
        or request.reduce_only
        or request.strategy_id in context.strategy_ids
    ):
        return None
    message = f"strategy {request.strategy_id} is not active on account {context.account.id}"
    return Refused(code="invalid_strategy_id", message=message)


def _refuse_opening(request: SendOrder, context: RiskContext) -> Refused | None:
    refused = _refuse_account(context, request.strategy_id)
    if refused is not None:
        return refused
    price = valuation_price(request, context.price)
    if price is None:
        return None  # the exchange reports itself that it has no price
    return refuse_below_min_notional(context.instrument, qty=request.qty, price=price)


def _refuse_account(context: RiskContext, strategy_id: int) -> Refused | None:
    refused = refuse_account(context.account, context.kill_switch, context.policy, strategy_id)
    return refused or context.closed_market


def _refuse_over_close(qty: Decimal, position: Position, context: RiskContext) -> Refused | None:
    available = subtract(position.qty.copy_abs(), _reserved(context, position))
    if qty <= available:
        return None
    message = (
        f"qty {decimal_text(qty)} is more than the {decimal_text(available)} that position"
        f" {position.id} holds beyond open closing orders"
    )
    return _over_volume(message, limit=available, qty=qty)


def _reserved(context: RiskContext, position: Position) -> Decimal:
    """Return the quantity that open closing orders of the position may still take."""
    resting = (
        order.remaining_qty for order in context.orders if is_close_order(order, position.id)
    )
    return reduce(add, resting, ZERO)


def _reducible(request: SendOrder, target: Position | None, context: RiskContext) -> Decimal:
    """Return the quantity that a reduce-only order of this side may close, rounded to the step."""
    reducible = ZERO
    for position in [target] if target is not None else context.positions:
        is_candidate = (
            context.account.position_mode is PositionMode.NETTING
            or position.strategy_id == request.strategy_id
        )
        if position.side is not request.side and is_candidate:
            available = subtract(position.qty.copy_abs(), _reserved(context, position))
            reducible = add(reducible, max(available, ZERO))
    return round_down_to_step(reducible, context.instrument.step)


def _free_to_reduce(request: SendOrder, context: RiskContext) -> Decimal:
    """Return what an order of this side only reduces, beyond all open orders of that side."""
    free = reducible_qty(
        context.account.position_mode,
        request.symbol,
        request.side,
        request.strategy_id,
        context.positions,
        context.orders,
    )
    return round_down_to_step(free, context.instrument.step)


def _is_unnamed_spot_sale(
    request: SendOrder, target: Position | None, context: RiskContext
) -> bool:
    """Return whether a spot sale of a hedge account names no ticket.

    It may only close, as spot has no short.
    """
    is_spot = context.instrument.kind is InstrumentKind.SPOT
    sells = request.side is Side.SELL and not request.reduce_only and target is None
    return is_spot and sells and _is_hedge(context) and not context.account.paper.allow_spot_short


def _refuse_spot_short(request: SendOrder, context: RiskContext) -> Refused | None:
    """Refuse to sell more coins than the strategy's tickets hold beyond its resting sales."""
    sales = [o for o in context.orders if o.side is Side.SELL and not o.position_id]
    resting = (o.remaining_qty for o in sales if o.strategy_id == request.strategy_id)
    held = subtract(_reducible(request, None, context), reduce(add, resting, ZERO))
    available = ZERO if request.new_position else max(held, ZERO)
    if request.qty <= available:
        return None
    message = (
        f"{request.symbol} is spot and has no short: the tickets of this strategy hold"
        f" {decimal_text(available)} that a sale could close"
    )
    return _over_volume(message, limit=available, qty=request.qty, reason="spot_has_no_short")


def _nothing_to_reduce(request: SendOrder) -> Refused:
    message = (
        f"nothing of {request.symbol} is open that a reduce-only {request.side.value} could close"
    )
    return _over_volume(message, limit=ZERO, qty=request.qty)


def _over_volume(
    message: str, *, limit: Decimal, qty: Decimal, reason: str | None = None
) -> Refused:
    code, by = "invalid_close_volume", "position"
    return Refused(code=code, reason=reason, message=message, limit=limit, value=qty, set_by=by)


def check_direct_order(context: RiskContext, *, opens: bool) -> Refused | None:
    """Check an order that is sent directly to the exchange as strategy 0, bypassing the ledger."""
    if opens:
        return _refuse_account(context, 0)
    return refuse_killed(context.kill_switch, opens=False)
