"""Invariants of a paper account's balances and contracts, as pure functions.

Facts that the paper exchange has not delivered yet (in flight, or the response was lost) are
*pending* and may be missing in the ledger. A loss on contracts may leave the settlement currency
negative, and a spot short the base currency where that is allowed.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from oms.domain.account import Account
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.ledger.position import Position
from oms.domain.money import ZERO, add, multiply
from oms.domain.orders.order import Order, OrderState
from oms.domain.side import Side
from oms.services.verify.findings import Finding, make_finding
from oms.simulation.events import Deposited, Filled, FundingPaid, InsurancePaid, Withdrawn
from oms.simulation.state.exchange_state import ExchangeState

Amounts = dict[str, Decimal]
"""Amounts by currency."""


@dataclass(slots=True)
class PendingReports:
    """Pending trades and orders by exchange id, orders by our id, and their symbols."""

    trades: set[str] = field(default_factory=set)
    orders: set[str] = field(default_factory=set)
    clients: set[str] = field(default_factory=set)
    symbols: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, state: ExchangeState, orders: Iterable[Order]) -> "PendingReports":
        """Collect deliveries in flight and orders whose response was lost."""
        pending = cls()
        for order in orders:
            if order.state in (OrderState.UNKNOWN, OrderState.PENDING_SUBMIT):
                pending.clients.add(str(order.id))
                pending.symbols.add(order.symbol)
        in_flight = state.in_flight
        for delivery in () if in_flight is None else in_flight.deliveries:
            match delivery.event:
                case Filled(trade=trade):
                    pending.trades.add(trade.trade_id)
                    pending.orders.add(trade.exchange_order_id)
                    pending.symbols.add(trade.symbol)
                case other:
                    order_fact = getattr(other, "order", None)
                    if order_fact is not None:
                        pending.orders.add(order_fact.exchange_order_id)
                        pending.symbols.add(order_fact.symbol)
        return pending


def check_balances(
    account: Account, state: ExchangeState, instruments: Mapping[str, Instrument]
) -> Iterator[Finding]:
    """Check that locked amounts equal order and margin locks and that no total is negative."""
    locks = _locks(state, instruments)
    contracts = {i.settle for i in instruments.values() if i.kind is not InstrumentKind.SPOT}
    for currency in sorted(state.balances.keys() | locks.keys()):
        balance = state.balances.get(currency)
        used = ZERO if balance is None else balance.used
        if used != locks[currency] or used < 0:
            yield make_finding("paper_used", "paper_balance", currency, locks[currency], used)
        may_owe = currency in contracts or account.paper.allow_spot_short
        if balance is not None and balance.total < 0 and not may_owe:
            yield make_finding("paper_total", "paper_balance", currency, "0 or more", balance.total)


def check_totals(state: ExchangeState, flows: Mapping[str, Decimal]) -> Iterator[Finding]:
    """Check that each total equals the initial balance plus all flows."""
    for currency in sorted(state.balances.keys() | flows.keys()):
        balance = state.balances.get(currency)
        actual, expected = ZERO if balance is None else balance.total, flows.get(currency, ZERO)
        if actual != expected:
            yield make_finding("paper_balance", "paper_balance", currency, expected, actual)


def initial_balances(account: Account) -> Amounts:
    """Return the initial balances of the account."""
    return {name: amount for name, amount in account.paper.balances.items() if amount > 0}


def add_trade(flows: Amounts, trade: Mapping[str, str], instrument: Instrument | None) -> None:
    """Add the flows of an execution as stored by the paper exchange."""
    if instrument is None:
        return
    qty, price = Decimal(trade["qty"]), Decimal(trade["price"])
    if instrument.kind is InstrumentKind.SPOT:
        buys = trade["side"] == Side.BUY.value
        worth = multiply(qty, price)
        add_amount(flows, instrument.base, qty if buys else qty.copy_negate())
        add_amount(flows, instrument.quote, worth.copy_negate() if buys else worth)
    else:
        add_amount(flows, instrument.settle, Decimal(trade["realised"]))
    add_amount(flows, trade["fee_currency"], Decimal(trade["fee"]).copy_negate())


def add_pending_payments(flows: Amounts, state: ExchangeState) -> None:
    """Add executed payments that are not delivered yet."""
    in_flight = state.in_flight
    for delivery in () if in_flight is None else in_flight.deliveries:
        match delivery.event:
            case Withdrawn() as paid:
                add_amount(flows, paid.currency, paid.amount.copy_negate())
            case Deposited() | InsurancePaid() | FundingPaid() as paid:
                add_amount(flows, paid.currency, paid.amount)
            case _:
                pass


def add_amount(flows: Amounts, currency: str, amount: Decimal) -> None:
    """Add an amount of a currency."""
    flows[currency] = add(flows.get(currency, ZERO), amount)


def check_contracts(
    state: ExchangeState,
    instruments: Mapping[str, Instrument],
    positions: Iterable[Position],
    pending: PendingReports,
    manual_qty: Amounts,
) -> Iterator[Finding]:
    """Check that contracts per symbol are equal at the exchange and in the ledger.

    Manual corrections of an admin are not known to the exchange.
    """
    booked: dict[str, Decimal] = defaultdict(lambda: ZERO)
    at_exchange: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for position in positions:
        instrument = instruments.get(position.symbol)
        if instrument is not None and instrument.kind is not InstrumentKind.SPOT:
            booked[position.symbol] = add(booked[position.symbol], position.qty)
    for exchange_position in state.positions.values():
        at_exchange[exchange_position.symbol] = add(
            at_exchange[exchange_position.symbol], exchange_position.qty
        )
    for symbol, qty in manual_qty.items():
        instrument = instruments.get(symbol)
        if instrument is not None and instrument.kind is not InstrumentKind.SPOT:
            at_exchange[symbol] = add(at_exchange[symbol], qty)
    for symbol in sorted((booked.keys() | at_exchange.keys()) - pending.symbols):
        if booked[symbol] != at_exchange[symbol]:
            yield make_finding(
                "paper_position", "symbol", symbol, at_exchange[symbol], booked[symbol]
            )


def check_resting_orders(
    state: ExchangeState, orders: Iterable[Order], pending: PendingReports
) -> Iterator[Finding]:
    """Check that the resting orders of the exchange are our open orders."""
    resting = {
        name: order.client_id for by_id in state.orders.values() for name, order in by_id.items()
    }
    open_orders: dict[str, int] = {}
    for order in orders:
        if order.exchange_order_id is not None:
            open_orders[order.exchange_order_id] = order.id
    for name in sorted(open_orders.keys() - resting.keys() - pending.orders):
        if str(open_orders[name]) not in pending.clients:
            yield make_finding("paper_order", "order", open_orders[name], f"{name} resting", None)
    for name in sorted(resting.keys() - open_orders.keys() - pending.orders):
        if resting[name] not in pending.clients:
            yield make_finding("paper_order", "paper_order", name, "an open order of ours", None)


def _locks(state: ExchangeState, instruments: Mapping[str, Instrument]) -> Mapping[str, Decimal]:
    """Return the amounts locked by open orders and margins, by currency."""
    locks: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for orders in state.orders.values():
        for order in orders.values():
            locks[order.locked_currency] = add(locks[order.locked_currency], order.locked)
    for position in state.positions.values():
        instrument = instruments.get(position.symbol)
        if instrument is not None:
            locks[instrument.settle] = add(locks[instrument.settle], position.margin)
    return locks
