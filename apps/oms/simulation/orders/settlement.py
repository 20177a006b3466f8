"""What an execution does to balances, positions and the order."""

from decimal import Decimal

from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import EXACT, ZERO, add, multiply, round_to_scale, subtract
from oms.domain.orders.order import Side
from oms.domain.value import constructor, evolve
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
from oms.simulation.state.exchange_state import (
    PLAIN_TERMS,
    OrderSource,
    PaperOrder,
    PaperPosition,
    PaperTrade,
    PositionKey,
)
from oms.simulation.state.step_state import StepState

_new_trade, _new_filled = constructor(PaperTrade), constructor(Filled)
_new_position = constructor(PaperPosition)


def settle_fill(
    sheet: StepState, order: PaperOrder, taking: BookFill, *, maker: bool
) -> PaperOrder:
    """Execute part of ``order``: book money and quantity, tell the fill, return the order."""
    instrument, terms = sheet.instruments[order.symbol], order.terms
    side, qty, price = order.side, taking.qty, taking.price
    amount = settle_value(instrument, qty, price)
    fee, currency = compute_fee(sheet, instrument, side, qty, amount, maker=maker)
    if terms.source is OrderSource.CORRECTION:
        fee = ZERO
    realised = ZERO
    if instrument.kind is InstrumentKind.SPOT:
        _swap(sheet, instrument, side, qty, amount)
        sheet.credit(currency, fee.copy_negate())
    else:
        realised, locked = _fold(sheet, instrument, order, taking, amount)
        sheet.credit(currency, subtract(realised, fee), locked)
        sheet.pools.add(currency)
    if sheet.settings.fee_tiers:
        add_traded_volume(sheet, instrument, qty, price)
    sheet.trades_made += 1
    trade = _new_trade(
        trade_id=f"t{sheet.trades_made}",
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
        extrapolated=taking.extrapolated,
        realised=realised,
        executed_at=sheet.at,
    )
    if terms is not PLAIN_TERMS:
        trade = evolve(trade, source=terms.source, parent=terms.parent)
    sheet.events.append(_new_filled(trade=trade))
    filled = add(order.filled, qty)
    return evolve(order, filled=filled, value=add(order.value, multiply(qty, price)))


def _swap(
    sheet: StepState, instrument: Instrument, side: Side, qty: Decimal, value: Decimal
) -> None:
    paid = value if side is Side.SELL else value.copy_negate()
    sheet.credit(instrument.quote, paid)
    sheet.credit(instrument.base, qty if side is Side.BUY else qty.copy_negate())


def _fold(
    sheet: StepState, instrument: Instrument, order: PaperOrder, taking: BookFill, amount: Decimal
) -> tuple[Decimal, Decimal]:
    """Bring an execution worth ``amount`` to its position.

    The profit realised, at 18 places, and how much more margin is locked than before. In value
    space, where one formula serves linear and inverse. A flip closes all and opens the rest at the
    same price.
    """
    key, qty, is_buy = (order.symbol, order.leg), taking.qty, order.side is Side.BUY
    known = sheet.positions.get(key)
    held, cost = (ZERO, ZERO) if known is None else (known.qty, known.cost)
    delta = qty if is_buy else qty.copy_negate()
    paid = (
        amount
        if is_buy is not (instrument.kind is InstrumentKind.INVERSE)
        else amount.copy_negate()
    )
    realised = ZERO
    if not held or (held > 0) is is_buy:
        cost_after = add(cost, paid)
    elif qty <= held.copy_abs():
        cost_after = _share(cost, subtract(held.copy_abs(), qty), held.copy_abs())
        realised = round_to_scale(subtract(subtract(cost_after, cost), paid))
    else:
        closing = signed_value(instrument, held, taking.price)
        realised = round_to_scale(subtract(closing, cost))
        cost_after = add(paid, closing)
    position = _position(sheet, instrument, key, known, add(held, delta), cost_after)
    sheet.put_position(key, position)
    locked = ZERO if position is None else position.margin
    return realised, locked if known is None else subtract(locked, known.margin)


def _position(
    sheet: StepState,
    instrument: Instrument,
    key: PositionKey,
    known: PaperPosition | None,
    qty: Decimal,
    cost: Decimal,
) -> PaperPosition | None:
    """What is held after an execution and the margin it locks; ``None`` where that is nothing."""
    if not qty:
        return None
    stays = known is not None and (known.qty > 0) is (qty > 0)
    return _new_position(
        symbol=key[0],
        leg=key[1],
        qty=qty,
        cost=cost,
        margin=_margin(sheet, instrument, known if stays else None, qty, cost),
        funded_at=known.funded_at if stays and known is not None else sheet.at,
    )


def _margin(
    sheet: StepState,
    instrument: Instrument,
    known: PaperPosition | None,
    qty: Decimal,
    cost: Decimal,
) -> Decimal:
    """What the position locks: by its cost, or, isolated, what was put in, less what came out."""
    settings, terms = sheet.settings, sheet.contracts.get(instrument.symbol)
    leverage = settings.leverage_of(instrument, terms)
    if known is None or settings.margin_mode_of(terms) is not MarginMode.ISOLATED:
        return initial_margin(leverage, cost)
    held, rest = known.qty.copy_abs(), qty.copy_abs()
    if rest > held:
        return add(known.margin, initial_margin(leverage, subtract(cost, known.cost)))
    return round_up(EXACT.divide(multiply(known.margin, rest), held))


def _share(cost: Decimal, rest_qty: Decimal, held: Decimal) -> Decimal:
    """The part of ``cost`` that stays with ``rest_qty`` of ``held``."""
    if not rest_qty:
        return ZERO
    return divide_cost(multiply(cost, rest_qty), held)
