"""Liquidation: the exchange closes positions that their margin no longer covers, at the mark price.

Cross: when balance and unrealised profit are at most the maintenance margins, the open contract
orders of that currency are canceled, and positions are closed, the largest maintenance margin
first, until they exceed them again. A debt without positions is paid by the insurance fund. An
isolated position is covered by its own margin and never loses more than that.
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
from oms.simulation.state.paper_account import Balance, PaperPosition, PositionKey
from oms.simulation.state.paper_order import OrderSource, OrderTerms, PaperOrder
from oms.simulation.state.step_state import StepState

_REASON = "liquidation"
_NOTHING = Balance()


def liquidate(state: StepState) -> bool:
    """Closes positions that are no longer covered. Returns whether any was closed."""
    before, currencies = state.trades_made, _affected_currencies(state)
    for currency in sorted(currencies) if len(currencies) > 1 else currencies:
        if _is_clearly_solvent(state, currency):
            continue
        position_margins = compute_position_margins(state, state.settings, currency)
        isolated = [
            position_margin for position_margin in position_margins if position_margin.is_isolated
        ]
        if isolated:
            _liquidate_isolated(state, isolated)
            position_margins = compute_position_margins(state, state.settings, currency)
        if not _is_solvent(state, currency, position_margins):
            _liquidate_cross(state, currency, position_margins)
    return state.trades_made != before


def close_position_at(
    state: StepState, position: PaperPosition, price: Decimal, source: OrderSource
) -> Decimal:
    """Closes a position by an order of the exchange. Returns the realised profit less the fee."""
    state.orders_made += 1
    order = PaperOrder(
        exchange_order_id=f"o{state.orders_made}",
        client_id="",
        symbol=position.symbol,
        side=Side.SELL if position.qty > 0 else Side.BUY,
        order_type="market",
        qty=position.qty.copy_abs(),
        price=None,
        leg=position.leg,
        reduce_only=True,
        post_only=False,
        rank=state.next_rank(),
        locked_currency=state.instruments[position.symbol].settle,
        created_at=state.at,
        terms=OrderTerms(source=source),
    )
    state.events.append(Accepted(order=order))
    fill = BookFill(qty=order.qty, price=price)
    state.end_order(settle_fill(state, order, fill, maker=False))
    filled = state.events[-1]
    assert isinstance(filled, Filled), "a settled fill has an event"
    return subtract(filled.trade.realised, filled.trade.fee)


def cancel_orders(state: StepState, reason: str, is_selected: Callable[[PaperOrder], bool]) -> None:
    """Cancels the selected open orders, the oldest first."""
    selected = [o for held in state.orders.values() for o in held.values() if is_selected(o)]
    for order in sorted(selected, key=lambda order: order.number):
        current = state.order(order.symbol, order.exchange_order_id)
        if current is not None:
            terminate_order(state, current, reason=reason)


def _affected_currencies(state: StepState) -> set[str]:
    """Returns the currencies whose positions, marks or balances changed in this step."""
    currencies, instruments = set(state.settled_currencies), state.instruments
    for symbol, _ in state.positions:
        currency = instruments[symbol].settle
        if currency not in currencies and (
            symbol in state.touched_markets
            or (state.events and _has_total_changed(state, currency))
        ):
            currencies.add(currency)
    return currencies


def _has_total_changed(state: StepState, currency: str) -> bool:
    """Returns whether the total of a currency changed; locks do not count."""
    now, previous = state.balances.get(currency), state.before.balances.get(currency)
    if now is previous:
        return False
    return now is None or previous is None or now.total != previous.total


def _is_clearly_solvent(state: StepState, currency: str) -> bool:
    """Returns whether there is no debt, no isolated position, and enough equity for the rest.

    Nearly always true, and cheaper than the full check.
    """
    balance = state.balances.get(currency, _NOTHING)
    equity, maintenance = balance.total, ZERO
    for position in state.positions.values():
        instrument = state.instruments[position.symbol]
        if instrument.settle == currency:
            terms = state.contracts.get(position.symbol)
            if state.settings.margin_mode_of(terms) is MarginMode.ISOLATED:
                return False
            _, now = mark_to_market(state, instrument, position)
            equity = add(equity, subtract(now, position.cost))
            due = multiply(now.copy_abs(), instrument.maintenance_rate)
            maintenance = add(maintenance, due)
    return equity > maintenance and balance.free >= 0


def _liquidate_isolated(state: StepState, position_margins: list[PositionMargin]) -> None:
    for position_margin in sorted(position_margins, key=_key):
        position, mark = position_margin.position, _mark(state, position_margin)
        if (
            mark is not None
            and add(position.margin, position_margin.unrealised) <= position_margin.maintenance
        ):
            _close_isolated(state, position, mark)


def _close_isolated(state: StepState, position: PaperPosition, mark: Decimal) -> None:
    key = (position.symbol, position.leg)
    cancel_orders(state, _REASON, lambda order: (order.symbol, order.leg) == key)
    proceeds = close_position_at(state, position, mark, OrderSource.LIQUIDATION)
    settle_currency = state.instruments[position.symbol].settle
    _pay_from_insurance(state, settle_currency, add(position.margin, proceeds))


def _liquidate_cross(
    state: StepState, currency: str, position_margins: list[PositionMargin]
) -> None:
    """Closes cross positions until the balance covers those that are left."""
    if any(
        position_margin.mark is None and not position_margin.is_isolated
        for position_margin in position_margins
    ):
        return
    instruments = state.instruments
    cancel_orders(
        state,
        _REASON,
        lambda order: (
            instruments[order.symbol].kind is not InstrumentKind.SPOT
            and instruments[order.symbol].settle == currency
        ),
    )
    while not _is_solvent(state, currency, position_margins):
        cross = [s for s in position_margins if not s.is_isolated and _mark(state, s) is not None]
        if not cross:
            break
        largest = max(
            cross, key=lambda position_margin: (position_margin.maintenance, _key(position_margin))
        )
        assert largest.mark is not None, "only positions with a mark price are closed"
        close_position_at(state, largest.position, largest.mark, OrderSource.LIQUIDATION)
        position_margins = compute_position_margins(state, state.settings, currency)
    if all(position_margin.is_isolated for position_margin in position_margins):
        _settle_debt(state, currency, position_margins)


def _settle_debt(state: StepState, currency: str, position_margins: list[PositionMargin]) -> None:
    """Without positions left: cancels orders that lock missing money, and pays the debt."""
    if state.free_balance(currency) < 0:
        cancel_orders(state, _REASON, lambda order: order.locked_currency == currency)
    _pay_from_insurance(state, currency, _cross_balance(state, currency, position_margins))


def _pay_from_insurance(state: StepState, currency: str, balance_left: Decimal) -> None:
    """Pays a negative balance from the insurance fund."""
    if balance_left < 0:
        amount = balance_left.copy_negate()
        state.credit(currency, amount)
        name = state.next_transfer()
        event = InsurancePaid(transfer_id=name, currency=currency, amount=amount, at=state.at)
        state.events.append(event)


def _is_solvent(state: StepState, currency: str, position_margins: list[PositionMargin]) -> bool:
    """Returns whether the balance covers its cross positions, or at least has no debt."""
    balance = state.balances.get(currency, _NOTHING)
    equity, maintenance, is_open = balance.total, ZERO, False
    for position_margin in position_margins:
        if position_margin.is_isolated:
            equity = subtract(equity, position_margin.position.margin)
        else:
            equity = add(equity, position_margin.unrealised)
            maintenance = add(maintenance, position_margin.maintenance)
            is_open = True
    if is_open:
        return equity > maintenance
    return equity >= 0 and (balance.free >= 0 or currency not in state.settled_currencies)


def _cross_balance(
    state: StepState, currency: str, position_margins: list[PositionMargin]
) -> Decimal:
    """Returns the total of a currency without the margins of isolated positions."""
    left = state.balances.get(currency, _NOTHING).total
    for position_margin in position_margins:
        if position_margin.is_isolated:
            left = subtract(left, position_margin.position.margin)
    return left


def _key(position_margin: PositionMargin) -> PositionKey:
    return position_margin.position.symbol, position_margin.position.leg


def _mark(state: StepState, position_margin: PositionMargin) -> Decimal | None:
    """Returns the mark price at which a position may be closed; ``None`` if it is too old."""
    fresh = state.fresh_market(position_margin.position.symbol)
    return None if fresh is None else position_margin.mark
