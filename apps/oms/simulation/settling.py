"""What an execution does to balances, positions and the order."""

from decimal import Decimal

from oms.domain.instrument import Instrument, Kind
from oms.domain.money import EXACT, ZERO, difference, product, rounded, total
from oms.domain.order import Side
from oms.domain.value import constructor, evolve
from oms.simulation.contracts import MarginMode
from oms.simulation.costs import (
    cost_share,
    count_volume,
    fee_of,
    margin_of,
    rounded_up,
    value_of,
    worth,
)
from oms.simulation.facts import Filled
from oms.simulation.matching import Taking
from oms.simulation.memory import (
    PLAIN,
    OrderSource,
    PaperOrder,
    PaperPosition,
    PaperTrade,
    PositionKey,
)
from oms.simulation.sheet import Sheet

_new_trade, _new_filled = constructor(PaperTrade), constructor(Filled)
_new_position = constructor(PaperPosition)


def settle(sheet: Sheet, order: PaperOrder, taking: Taking, *, maker: bool) -> PaperOrder:
    """Execute part of ``order``: book money and quantity, tell the fill, return the order."""
    instrument, terms = sheet.instruments[order.symbol], order.terms
    side, qty, price = order.side, taking.qty, taking.price
    amount = worth(instrument, qty, price)
    fee, currency = fee_of(sheet, instrument, side, qty, amount, maker=maker)
    if terms.source is OrderSource.CORRECTION:
        fee = ZERO
    realised = ZERO
    if instrument.kind is Kind.SPOT:
        _swap(sheet, instrument, side, qty, amount)
        sheet.credit(currency, fee.copy_negate())
    else:
        realised, locked = _fold(sheet, instrument, order, taking, amount)
        sheet.credit(currency, difference(realised, fee), locked)
        sheet.pools.add(currency)
    if sheet.settings.fee_tiers:
        count_volume(sheet, instrument, qty, price)
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
    if terms is not PLAIN:
        trade = evolve(trade, source=terms.source, parent=terms.parent)
    sheet.facts.append(_new_filled(trade=trade))
    filled = total(order.filled, qty)
    return evolve(order, filled=filled, value=total(order.value, product(qty, price)))


def _swap(sheet: Sheet, instrument: Instrument, side: Side, qty: Decimal, value: Decimal) -> None:
    paid = value if side is Side.SELL else value.copy_negate()
    sheet.credit(instrument.quote, paid)
    sheet.credit(instrument.base, qty if side is Side.BUY else qty.copy_negate())


def _fold(
    sheet: Sheet, instrument: Instrument, order: PaperOrder, taking: Taking, amount: Decimal
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
    paid = amount if is_buy is not (instrument.kind is Kind.INVERSE) else amount.copy_negate()
    realised = ZERO
    if not held or (held > 0) is is_buy:
        cost_after = total(cost, paid)
    elif qty <= held.copy_abs():
        cost_after = _share(cost, difference(held.copy_abs(), qty), held.copy_abs())
        realised = rounded(difference(difference(cost_after, cost), paid))
    else:
        closing = value_of(instrument, held, taking.price)
        realised = rounded(difference(closing, cost))
        cost_after = total(paid, closing)
    position = _position(sheet, instrument, key, known, total(held, delta), cost_after)
    sheet.put_position(key, position)
    locked = ZERO if position is None else position.margin
    return realised, locked if known is None else difference(locked, known.margin)


def _position(
    sheet: Sheet,
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
    sheet: Sheet,
    instrument: Instrument,
    known: PaperPosition | None,
    qty: Decimal,
    cost: Decimal,
) -> Decimal:
    """What the position locks: by its cost, or, isolated, what was put in, less what came out."""
    settings, terms = sheet.settings, sheet.contracts.get(instrument.symbol)
    leverage = settings.leverage_of(instrument, terms)
    if known is None or settings.margin_mode_of(terms) is not MarginMode.ISOLATED:
        return margin_of(leverage, cost)
    held, rest = known.qty.copy_abs(), qty.copy_abs()
    if rest > held:
        return total(known.margin, margin_of(leverage, difference(cost, known.cost)))
    return rounded_up(EXACT.divide(product(known.margin, rest), held))


def _share(cost: Decimal, rest_qty: Decimal, held: Decimal) -> Decimal:
    """The part of ``cost`` that stays with ``rest_qty`` of ``held``."""
    if not rest_qty:
        return ZERO
    return cost_share(product(cost, rest_qty), held)
