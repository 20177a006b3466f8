"""When the marks no longer carry a position: it is closed by the exchange, at the mark price.

Cross: when a wallet and its unrealised profit are no more than the maintenance margins, the open
contract orders of that currency are canceled, then positions are closed, the largest maintenance
first, until there is more than that again. What is owed when nothing is left is paid by the
insurance. An isolated position is judged by its own margin, and never loses more than that.
"""

from collections.abc import Callable
from decimal import Decimal

from oms.domain.instrument import InstrumentKind
from oms.domain.money import ZERO, add, multiply, subtract
from oms.domain.orders.order import Side
from oms.simulation.account.margin import PositionMargin, compute_position_margins, mark_to_market
from oms.simulation.events import Accepted, Filled, InsurancePaid
from oms.simulation.market.matching import BookFill
from oms.simulation.orders.execution import terminate_order
from oms.simulation.orders.settlement import settle_fill
from oms.simulation.state.contract_overrides import MarginMode
from oms.simulation.state.exchange_state import (
    Balance,
    OrderSource,
    OrderTerms,
    PaperOrder,
    PaperPosition,
    PositionKey,
)
from oms.simulation.state.step_state import StepState

_REASON = "liquidation"
_NOTHING = Balance()


def liquidate(sheet: StepState) -> bool:
    """Close what can no longer be carried; whether anything was closed."""
    before, pools = sheet.trades_made, _pools(sheet)
    for currency in sorted(pools) if len(pools) > 1 else pools:
        if _is_far_from_it(sheet, currency):
            continue
        stands = compute_position_margins(sheet, sheet.settings, currency)
        isolated = [stand for stand in stands if stand.is_isolated]
        if isolated:
            _judge_isolated(sheet, isolated)
            stands = compute_position_margins(sheet, sheet.settings, currency)
        if not _is_sound(sheet, currency, stands):
            _judge_cross(sheet, currency, stands)
    return sheet.trades_made != before


def close_position_at(
    sheet: StepState, position: PaperPosition, price: Decimal, source: OrderSource
) -> Decimal:
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
        locked_currency=sheet.instruments[position.symbol].settle,
        created_at=sheet.at,
        terms=OrderTerms(source=source),
    )
    sheet.events.append(Accepted(order=order))
    taking = BookFill(qty=order.qty, price=price)
    sheet.end_order(settle_fill(sheet, order, taking, maker=False))
    filled = sheet.events[-1]
    assert isinstance(filled, Filled), "what was settled is told"
    return subtract(filled.trade.realised, filled.trade.fee)


def cancel_orders(sheet: StepState, reason: str, is_meant: Callable[[PaperOrder], bool]) -> None:
    """Cancel open orders, the oldest first."""
    found = [o for held in sheet.orders.values() for o in held.values() if is_meant(o)]
    for order in sorted(found, key=lambda order: order.number):
        current = sheet.order(order.symbol, order.exchange_order_id)
        if current is not None:
            terminate_order(sheet, current, reason=reason)


def _pools(sheet: StepState) -> set[str]:
    """Currencies whose positions, marks or money have moved in this step."""
    pools, instruments = set(sheet.pools), sheet.instruments
    for symbol, _ in sheet.positions:
        currency = instruments[symbol].settle
        if currency not in pools and (
            symbol in sheet.touched_markets or (sheet.events and _has_moved(sheet, currency))
        ):
            pools.add(currency)
    return pools


def _has_moved(sheet: StepState, currency: str) -> bool:
    """Whether there is more or less of a currency than before; locks do not count."""
    now, was = sheet.balances.get(currency), sheet.before.balances.get(currency)
    if now is was:
        return False
    return now is None or was is None or now.total != was.total


def _is_far_from_it(sheet: StepState, currency: str) -> bool:
    """Whether nothing is owed and the wallet carries its positions, none of them isolated.

    Nearly always so, and found with less than all that the judgement needs.
    """
    balance = sheet.balances.get(currency, _NOTHING)
    equity, maintenance = balance.total, ZERO
    for position in sheet.positions.values():
        instrument = sheet.instruments[position.symbol]
        if instrument.settle == currency:
            terms = sheet.contracts.get(position.symbol)
            if sheet.settings.margin_mode_of(terms) is MarginMode.ISOLATED:
                return False
            _, now = mark_to_market(sheet, instrument, position)
            equity = add(equity, subtract(now, position.cost))
            due = multiply(now.copy_abs(), instrument.maintenance_rate)
            maintenance = add(maintenance, due)
    return equity > maintenance and balance.free >= 0


def _judge_isolated(sheet: StepState, stands: list[PositionMargin]) -> None:
    for stand in sorted(stands, key=_key):
        position, mark = stand.position, _mark(sheet, stand)
        if mark is not None and add(position.margin, stand.unrealised) <= stand.maintenance:
            _close_isolated(sheet, position, mark)


def _close_isolated(sheet: StepState, position: PaperPosition, mark: Decimal) -> None:
    key = (position.symbol, position.leg)
    cancel_orders(sheet, _REASON, lambda order: (order.symbol, order.leg) == key)
    got = close_position_at(sheet, position, mark, OrderSource.LIQUIDATION)
    settle_currency = sheet.instruments[position.symbol].settle
    _insure(sheet, settle_currency, add(position.margin, got))


def _judge_cross(sheet: StepState, currency: str, stands: list[PositionMargin]) -> None:
    """Close cross positions until the wallet carries what is left of them."""
    if any(stand.mark is None and not stand.is_isolated for stand in stands):
        return
    instruments = sheet.instruments
    cancel_orders(
        sheet,
        _REASON,
        lambda order: (
            instruments[order.symbol].kind is not InstrumentKind.SPOT
            and instruments[order.symbol].settle == currency
        ),
    )
    while not _is_sound(sheet, currency, stands):
        cross = [s for s in stands if not s.is_isolated and _mark(sheet, s) is not None]
        if not cross:
            break
        largest = max(cross, key=lambda stand: (stand.maintenance, _key(stand)))
        assert largest.mark is not None, "only what has a price is closed"
        close_position_at(sheet, largest.position, largest.mark, OrderSource.LIQUIDATION)
        stands = compute_position_margins(sheet, sheet.settings, currency)
    if all(stand.is_isolated for stand in stands):
        _settle_debt(sheet, currency, stands)


def _settle_debt(sheet: StepState, currency: str, stands: list[PositionMargin]) -> None:
    """Nothing is left to close: no order may promise what is not there, no debt remains."""
    if sheet.free(currency) < 0:
        cancel_orders(sheet, _REASON, lambda order: order.locked_currency == currency)
    _insure(sheet, currency, _wallet(sheet, currency, stands))


def _insure(sheet: StepState, currency: str, rest: Decimal) -> None:
    """Pay a negative rest."""
    if rest < 0:
        amount = rest.copy_negate()
        sheet.credit(currency, amount)
        name = sheet.next_transfer()
        event = InsurancePaid(transfer_id=name, currency=currency, amount=amount, at=sheet.at)
        sheet.events.append(event)


def _is_sound(sheet: StepState, currency: str, stands: list[PositionMargin]) -> bool:
    """Whether the wallet carries its cross positions; without any, whether nothing is owed."""
    balance = sheet.balances.get(currency, _NOTHING)
    equity, maintenance, is_open = balance.total, ZERO, False
    for stand in stands:
        if stand.is_isolated:
            equity = subtract(equity, stand.position.margin)
        else:
            equity = add(equity, stand.unrealised)
            maintenance = add(maintenance, stand.maintenance)
            is_open = True
    if is_open:
        return equity > maintenance
    return equity >= 0 and (balance.free >= 0 or currency not in sheet.pools)


def _wallet(sheet: StepState, currency: str, stands: list[PositionMargin]) -> Decimal:
    """All of a currency but the margins of isolated positions."""
    left = sheet.balances.get(currency, _NOTHING).total
    for stand in stands:
        if stand.is_isolated:
            left = subtract(left, stand.position.margin)
    return left


def _key(stand: PositionMargin) -> PositionKey:
    return stand.position.symbol, stand.position.leg


def _mark(sheet: StepState, stand: PositionMargin) -> Decimal | None:
    """The mark at which a position may be closed: not one that is too old."""
    fresh = sheet.fresh_market(stand.position.symbol)
    return None if fresh is None else stand.mark
