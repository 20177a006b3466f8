"""When the marks no longer carry a position: it is closed by the exchange, at the mark price.

Cross: when a wallet and its unrealised profit are no more than the maintenance margins, the open
contract orders of that currency are canceled, then positions are closed, the largest maintenance
first, until there is more than that again. What is owed when nothing is left is paid by the
insurance. An isolated position is judged by its own margin, and never loses more than that.
"""

from collections.abc import Callable
from decimal import Decimal

from oms.domain.instrument import Kind
from oms.domain.money import ZERO, difference, total
from oms.domain.order import Side
from oms.simulation.executing import end
from oms.simulation.facts import Accepted, Filled, InsurancePaid
from oms.simulation.margin import Stand, stand_of, stands_in
from oms.simulation.matching import Taking
from oms.simulation.memory import OrderSource, PaperOrder, PaperPosition, Terms
from oms.simulation.settling import settle
from oms.simulation.sheet import Sheet

_REASON = "liquidation"


def liquidate(sheet: Sheet) -> bool:
    """Close what can no longer be carried; whether anything was closed."""
    before = sheet.trades_made
    for currency in sorted(_pools(sheet)):
        _judge_isolated(sheet, currency)
        _judge_cross(sheet, currency)
    return sheet.trades_made != before


def close_at(sheet: Sheet, position: PaperPosition, price: Decimal, source: OrderSource) -> Decimal:
    """Close a position by an order of the exchange's own; realised profit less the fee."""
    sheet.orders_made += 1
    order = PaperOrder(
        exchange_order_id=f"o{sheet.orders_made}",
        client_id="",
        symbol=position.symbol,
        side=Side.SELL if position.qty > 0 else Side.BUY,
        order_type="market",
        qty=position.qty.copy_abs(),
        price=None,
        leg=position.leg,
        reduce_only=True,
        post_only=False,
        rank=sheet.next_rank(),
        locked_currency=sheet.instrument(position.symbol).settle,
        created_at=sheet.at,
        terms=Terms(source=source),
    )
    sheet.facts.append(Accepted(order=order))
    taking = Taking(qty=order.qty, price=price)
    sheet.end_order(settle(sheet, order, taking, maker=False))
    filled = sheet.facts[-1]
    assert isinstance(filled, Filled), "what was settled is told"
    return difference(filled.trade.realised, filled.trade.fee)


def cancel_orders(sheet: Sheet, reason: str, is_meant: Callable[[PaperOrder], bool]) -> None:
    """Cancel open orders, the oldest first."""
    found = [o for held in sheet.orders.values() for o in held.values() if is_meant(o)]
    for order in sorted(found, key=lambda order: order.number):
        current = sheet.order(order.symbol, order.exchange_order_id)
        if current is not None:
            end(sheet, current, reason=reason)


def _pools(sheet: Sheet) -> set[str]:
    """Currencies whose positions or marks have moved in this step."""
    pools, instruments = set(sheet.pools), sheet.settings.instruments
    everything = bool(sheet.facts)
    for symbol, _ in sheet.positions:
        if everything or symbol in sheet.touched_markets:
            pools.add(instruments[symbol].settle)
    return pools


def _judge_isolated(sheet: Sheet, currency: str) -> None:
    for key in sorted(sheet.positions):
        position = sheet.positions[key]
        stand = stand_of(sheet, sheet.settings, position)
        if not stand.is_isolated or stand.instrument.settle != currency:
            continue
        mark = _mark(sheet, stand)
        if mark is not None and total(position.margin, stand.unrealised) <= stand.maintenance:
            _close_isolated(sheet, position, mark)


def _close_isolated(sheet: Sheet, position: PaperPosition, mark: Decimal) -> None:
    key = (position.symbol, position.leg)
    cancel_orders(sheet, _REASON, lambda order: (order.symbol, order.leg) == key)
    got = close_at(sheet, position, mark, OrderSource.LIQUIDATION)
    settle_currency = sheet.instrument(position.symbol).settle
    _insure(sheet, settle_currency, total(position.margin, got))


def _judge_cross(sheet: Sheet, currency: str) -> None:
    stands = _cross(sheet, currency)
    if any(stand.mark is None for stand in stands) or _is_sound(sheet, currency, stands):
        return
    instruments = sheet.settings.instruments
    cancel_orders(
        sheet,
        _REASON,
        lambda order: (
            instruments[order.symbol].kind is not Kind.SPOT
            and instruments[order.symbol].settle == currency
        ),
    )
    while not _is_sound(sheet, currency, stands):
        fresh = [stand for stand in stands if _mark(sheet, stand) is not None]
        if not fresh:
            break
        largest = max(fresh, key=lambda stand: (stand.maintenance, stand.position.symbol))
        assert largest.mark is not None, "only what has a price is closed"
        close_at(sheet, largest.position, largest.mark, OrderSource.LIQUIDATION)
        stands = _cross(sheet, currency)
    if not stands:
        _settle_debt(sheet, currency)


def _settle_debt(sheet: Sheet, currency: str) -> None:
    """Nothing is left to close: no order may promise what is not there, no debt remains."""
    if sheet.free(currency) < 0:
        cancel_orders(sheet, _REASON, lambda order: order.locked_currency == currency)
    _insure(sheet, currency, _wallet(sheet, currency))


def _insure(sheet: Sheet, currency: str, rest: Decimal) -> None:
    """Pay a negative rest."""
    if rest < 0:
        amount = rest.copy_negate()
        sheet.credit(currency, amount)
        name = sheet.next_transfer()
        fact = InsurancePaid(transfer_id=name, currency=currency, amount=amount, at=sheet.at)
        sheet.facts.append(fact)


def _cross(sheet: Sheet, currency: str) -> list[Stand]:
    stands = stands_in(sheet, sheet.settings, currency)
    return [stand for stand in stands if not stand.is_isolated]


def _is_sound(sheet: Sheet, currency: str, stands: list[Stand]) -> bool:
    """Whether the wallet carries its cross positions; without any, whether nothing is owed."""
    equity = _wallet(sheet, currency)
    if not stands:
        return equity >= 0 and (sheet.free(currency) >= 0 or currency not in sheet.pools)
    maintenance = ZERO
    for stand in stands:
        equity = total(equity, stand.unrealised)
        maintenance = total(maintenance, stand.maintenance)
    return equity > maintenance


def _wallet(sheet: Sheet, currency: str) -> Decimal:
    """All of a currency but the margins of isolated positions."""
    balance = sheet.balances.get(currency)
    left = ZERO if balance is None else balance.total
    for stand in stands_in(sheet, sheet.settings, currency):
        if stand.is_isolated:
            left = difference(left, stand.position.margin)
    return left


def _mark(sheet: Sheet, stand: Stand) -> Decimal | None:
    """The mark at which a position may be closed: not one that is too old."""
    fresh = sheet.fresh_market(stand.position.symbol)
    return None if fresh is None else stand.mark
