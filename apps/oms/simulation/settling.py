"""What an execution does to balances, positions and the order."""

from decimal import Decimal

from oms.domain.instrument import Instrument, Kind
from oms.domain.money import EXACT, ZERO, difference, product, rounded, total
from oms.domain.order import Side
from oms.domain.value import evolve
from oms.simulation.contracts import MarginMode
from oms.simulation.costs import (
    cost_share,
    count_volume,
    fee_of,
    margin_of,
    rounded_up,
    value_of,
)
from oms.simulation.facts import Filled
from oms.simulation.matching import Taking
from oms.simulation.memory import OrderSource, PaperOrder, PaperPosition, PaperTrade
from oms.simulation.sheet import Sheet


def settle(sheet: Sheet, order: PaperOrder, taking: Taking, *, maker: bool) -> PaperOrder:
    """Execute part of ``order``: book money and quantity, tell the fill, return the order."""
    instrument = sheet.instrument(order.symbol)
    qty, price = taking.qty, taking.price
    fee, currency = fee_of(sheet, instrument, order.side, qty, price, maker=maker)
    if order.terms.source is OrderSource.CORRECTION:
        fee = ZERO
    realised = ZERO
    if instrument.kind is Kind.SPOT:
        _swap(sheet, instrument, order.side, qty, instrument.notional(qty, price))
        sheet.credit(currency, fee.copy_negate())
    else:
        realised = _fold(sheet, instrument, order, taking)
        sheet.credit(currency, difference(realised, fee))
        sheet.pools.add(currency)
    count_volume(sheet, instrument, qty, price)
    sheet.trades_made += 1
    trade = PaperTrade(
        trade_id=f"t{sheet.trades_made}",
        exchange_order_id=order.exchange_order_id,
        client_id=order.client_id,
        symbol=order.symbol,
        side=order.side,
        leg=order.leg,
        qty=qty,
        price=price,
        fee=fee,
        fee_currency=currency,
        maker=maker,
        extrapolated=taking.extrapolated,
        realised=realised,
        executed_at=sheet.at,
        source=order.terms.source,
        parent=order.terms.parent,
    )
    sheet.facts.append(Filled(trade=trade))
    filled = total(order.filled, qty)
    return evolve(order, filled=filled, value=total(order.value, product(qty, price)))


def _swap(sheet: Sheet, instrument: Instrument, side: Side, qty: Decimal, value: Decimal) -> None:
    paid = value if side is Side.SELL else value.copy_negate()
    sheet.credit(instrument.quote, paid)
    sheet.credit(instrument.base, qty if side is Side.BUY else qty.copy_negate())


def _fold(sheet: Sheet, instrument: Instrument, order: PaperOrder, taking: Taking) -> Decimal:
    """Bring an execution to its position; the profit realised, at 18 places.

    In value space, where one formula serves linear and inverse. A flip closes all and opens the
    rest at the same price.
    """
    qty, value = taking.qty, value_of(instrument, taking.qty, taking.price)
    key = (order.symbol, order.leg)
    known = sheet.positions.get(key)
    held, cost = (ZERO, ZERO) if known is None else (known.qty, known.cost)
    signed = order.side is Side.BUY
    delta = qty if signed else qty.copy_negate()
    paid = value if signed else value.copy_negate()
    realised = ZERO
    if not held or (held > 0) == signed:
        cost_after = total(cost, paid)
    elif qty <= held.copy_abs():
        cost_after = _share(cost, difference(held.copy_abs(), qty), held.copy_abs())
        realised = rounded(difference(difference(cost_after, cost), paid))
    else:
        closing = value_of(instrument, held, taking.price)
        realised = rounded(difference(closing, cost))
        cost_after = total(paid, closing)
    after = total(held, delta)
    _put(sheet, instrument, order, after, cost_after)
    return realised


def _put(
    sheet: Sheet, instrument: Instrument, order: PaperOrder, qty: Decimal, cost: Decimal
) -> None:
    """Replace the order's position and the margin it locks."""
    key = (order.symbol, order.leg)
    known = sheet.positions.get(key)
    margin = _margin(sheet, instrument, known, qty, cost) if qty else ZERO
    sheet.lock(instrument.settle, difference(margin, ZERO if known is None else known.margin))
    is_same = known is not None and (known.qty > 0) is (qty > 0)
    position = PaperPosition(
        symbol=order.symbol,
        leg=order.leg,
        qty=qty,
        cost=cost,
        margin=margin,
        funded_at=known.funded_at if known is not None and is_same else sheet.at,
    )
    sheet.put_position(key, position if qty else None)


def _margin(
    sheet: Sheet,
    instrument: Instrument,
    known: PaperPosition | None,
    qty: Decimal,
    cost: Decimal,
) -> Decimal:
    """What the position locks: by its cost, or, isolated, what was put in, less what came out."""
    leverage = sheet.leverage_of(instrument)
    terms = sheet.contracts.get(instrument.symbol)
    is_isolated = sheet.settings.margin_mode_of(terms) is MarginMode.ISOLATED
    if not is_isolated or known is None or (known.qty > 0) is not (qty > 0):
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
