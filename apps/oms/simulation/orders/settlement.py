"""Settlement of executions: balances, positions and the filled quantity of the order."""

from decimal import Decimal

from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import EXACT, ZERO, add, multiply, round_to_scale, subtract
from oms.domain.orders.order import Side
from oms.domain.value import constructor, evolve, evolver
from oms.simulation.account.costs import (
    add_traded_volume,
    compute_fee,
    divide_cost,
    initial_margin,
    round_up,
    settle_value,
    signed_value,
)
from oms.simulation.events import Filled
from oms.simulation.market.matching import BookFill
from oms.simulation.state.contract_overrides import MarginMode
from oms.simulation.state.paper_account import PaperPosition, PositionKey
from oms.simulation.state.paper_order import PLAIN_TERMS, OrderSource, PaperOrder, PaperTrade
from oms.simulation.state.step_state import StepState

_new_trade, _new_filled = constructor(PaperTrade), constructor(Filled)
_new_position = constructor(PaperPosition)
_filled = evolver(PaperOrder, "filled", "value")


def settle_fill(state: StepState, order: PaperOrder, fill: BookFill, *, maker: bool) -> PaperOrder:
    """Books one fill and appends its event. Returns the order after it."""
    instrument, terms = state.instruments[order.symbol], order.terms
    side, qty, price = order.side, fill.qty, fill.price
    amount = settle_value(instrument, qty, price)
    fee, currency = compute_fee(state, instrument, side, qty, amount, maker=maker)
    if terms.source is OrderSource.CORRECTION:
        fee = ZERO
    realised = ZERO
    if instrument.kind is InstrumentKind.SPOT:
        _exchange_currencies(state, instrument, side, qty, amount)
        state.credit(currency, fee.copy_negate())
    else:
        realised, locked = _apply_to_position(state, instrument, order, fill, amount)
        state.credit(currency, subtract(realised, fee), locked)
        state.settled_currencies.add(currency)
    if state.settings.fee_tiers:
        add_traded_volume(state, instrument, qty, price)
    state.trades_made += 1
    trade = _new_trade(
        trade_id=f"t{state.trades_made}",
        exchange_order_id=order.exchange_order_id,
        client_id=order.client_id,
        symbol=order.symbol,
        side=side,
        leg=order.leg,
        qty=qty,
        price=price,
        fee=fee,
        fee_currency=currency,
        maker=maker,
        extrapolated=fill.extrapolated,
        realised=realised,
        executed_at=state.at,
    )
    if terms is not PLAIN_TERMS:
        trade = evolve(trade, source=terms.source, parent=terms.parent)
    state.events.append(_new_filled(trade=trade))
    filled = add(order.filled, qty)
    return _filled(order, filled=filled, value=add(order.value, multiply(qty, price)))


def _exchange_currencies(
    state: StepState, instrument: Instrument, side: Side, qty: Decimal, value: Decimal
) -> None:
    paid = value if side is Side.SELL else value.copy_negate()
    state.credit(instrument.quote, paid)
    state.credit(instrument.base, qty if side is Side.BUY else qty.copy_negate())


def _apply_to_position(
    state: StepState, instrument: Instrument, order: PaperOrder, fill: BookFill, amount: Decimal
) -> tuple[Decimal, Decimal]:
    """Applies an execution worth ``amount`` to its position.

    Returns the realised profit at 18 places and the change of locked margin. Values are signed, so
    one formula serves linear and inverse contracts. A flip closes the whole position and opens the
    rest at the same price.
    """
    key, qty, is_buy = (order.symbol, order.leg), fill.qty, order.side is Side.BUY
    previous = state.positions.get(key)
    position_qty, cost = (ZERO, ZERO) if previous is None else (previous.qty, previous.cost)
    delta = qty if is_buy else qty.copy_negate()
    paid = (
        amount
        if is_buy is not (instrument.kind is InstrumentKind.INVERSE)
        else amount.copy_negate()
    )
    realised = ZERO
    if not position_qty or (position_qty > 0) is is_buy:
        cost_after = add(cost, paid)
    elif qty <= position_qty.copy_abs():
        cost_after = _remaining_cost(
            cost, subtract(position_qty.copy_abs(), qty), position_qty.copy_abs()
        )
        realised = round_to_scale(subtract(subtract(cost_after, cost), paid))
    else:
        closing = signed_value(instrument, position_qty, fill.price)
        realised = round_to_scale(subtract(closing, cost))
        cost_after = add(paid, closing)
    position = _build_position(
        state, instrument, key, previous, add(position_qty, delta), cost_after
    )
    state.put_position(key, position)
    locked = ZERO if position is None else position.margin
    return realised, locked if previous is None else subtract(locked, previous.margin)


def _build_position(
    state: StepState,
    instrument: Instrument,
    key: PositionKey,
    previous: PaperPosition | None,
    qty: Decimal,
    cost: Decimal,
) -> PaperPosition | None:
    """Returns the position after an execution, margin included; ``None`` if it is closed."""
    if not qty:
        return None
    is_same_side = previous is not None and (previous.qty > 0) is (qty > 0)
    return _new_position(
        symbol=key[0],
        leg=key[1],
        qty=qty,
        cost=cost,
        margin=_locked_margin(state, instrument, previous if is_same_side else None, qty, cost),
        funded_at=previous.funded_at if is_same_side and previous is not None else state.at,
    )


def _locked_margin(
    state: StepState,
    instrument: Instrument,
    previous: PaperPosition | None,
    qty: Decimal,
    cost: Decimal,
) -> Decimal:
    """Returns the margin of a position: by its cost, or as assigned to an isolated one."""
    settings, terms = state.settings, state.contracts.get(instrument.symbol)
    leverage = settings.leverage_of(instrument, terms)
    if previous is None or settings.margin_mode_of(terms) is not MarginMode.ISOLATED:
        return initial_margin(leverage, cost)
    position_qty, rest_qty = previous.qty.copy_abs(), qty.copy_abs()
    if rest_qty > position_qty:
        return add(previous.margin, initial_margin(leverage, subtract(cost, previous.cost)))
    return round_up(EXACT.divide(multiply(previous.margin, rest_qty), position_qty))


def _remaining_cost(cost: Decimal, rest_qty: Decimal, position_qty: Decimal) -> Decimal:
    """Returns the share of ``cost`` that belongs to ``rest_qty`` of ``held``."""
    if not rest_qty:
        return ZERO
    return divide_cost(multiply(cost, rest_qty), position_qty)
