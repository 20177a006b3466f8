"""The invariants of a paper account's money and contracts as pure rules.

What the paper exchange knows and has not told yet (it is on the way, or its answer was lost) is
*pending*: our book need not know it. A loss on contracts may leave their currency below zero, and
a spot short its base where that is allowed.
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
"""By currency."""


@dataclass(slots=True)
class PendingReports:
    """What was not told yet: trades and orders by the exchange's id, orders by ours, symbols."""

    trades: set[str] = field(default_factory=set)
    orders: set[str] = field(default_factory=set)
    clients: set[str] = field(default_factory=set)
    symbols: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, state: ExchangeState, orders: Iterable[Order]) -> "PendingReports":
        """What is on the way, and all about our orders whose answer was lost."""
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
                    told = getattr(other, "order", None)
                    if told is not None:
                        pending.orders.add(told.exchange_order_id)
                        pending.symbols.add(told.symbol)
        return pending


def check_balances(
    account: Account, state: ExchangeState, instruments: Mapping[str, Instrument]
) -> Iterator[Finding]:
    """Whether what is locked is locked for something, and no money is owed that cannot be."""
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
    """Whether each total is the first money and all that moved since."""
    for currency in sorted(state.balances.keys() | flows.keys()):
        balance = state.balances.get(currency)
        there, moved = ZERO if balance is None else balance.total, flows.get(currency, ZERO)
        if there != moved:
            yield make_finding("paper_balance", "paper_balance", currency, moved, there)


def initial_balances(account: Account) -> Amounts:
    """What a new account begins with."""
    return {name: amount for name, amount in account.paper.balances.items() if amount > 0}


def add_trade(flows: Amounts, trade: Mapping[str, str], instrument: Instrument | None) -> None:
    """Add what an execution moved, as the paper exchange wrote it down."""
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
    """Add payments that have moved and were not told."""
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
    by_hand: Amounts,
) -> Iterator[Finding]:
    """Whether the exchange's contracts are, per symbol, those of our book.

    What an admin booked or took back ``by_hand`` is no fact of the exchange's.
    """
    ours: dict[str, Decimal] = defaultdict(lambda: ZERO)
    theirs: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for position in positions:
        instrument = instruments.get(position.symbol)
        if instrument is not None and instrument.kind is not InstrumentKind.SPOT:
            ours[position.symbol] = add(ours[position.symbol], position.qty)
    for held in state.positions.values():
        theirs[held.symbol] = add(theirs[held.symbol], held.qty)
    for symbol, qty in by_hand.items():
        instrument = instruments.get(symbol)
        if instrument is not None and instrument.kind is not InstrumentKind.SPOT:
            theirs[symbol] = add(theirs[symbol], qty)
    for symbol in sorted((ours.keys() | theirs.keys()) - pending.symbols):
        if ours[symbol] != theirs[symbol]:
            yield make_finding("paper_position", "symbol", symbol, theirs[symbol], ours[symbol])


def check_resting_orders(
    state: ExchangeState, orders: Iterable[Order], pending: PendingReports
) -> Iterator[Finding]:
    """Whether the orders that rest at the exchange are our open ones."""
    resting = {
        name: order.client_id for found in state.orders.values() for name, order in found.items()
    }
    ours: dict[str, int] = {}
    for order in orders:
        if order.exchange_order_id is not None:
            ours[order.exchange_order_id] = order.id
    for name in sorted(ours.keys() - resting.keys() - pending.orders):
        if str(ours[name]) not in pending.clients:
            yield make_finding("paper_order", "order", ours[name], f"{name} at rest", None)
    for name in sorted(resting.keys() - ours.keys() - pending.orders):
        if resting[name] not in pending.clients:
            yield make_finding("paper_order", "paper_order", name, "an open order of ours", None)


def _locks(state: ExchangeState, instruments: Mapping[str, Instrument]) -> Mapping[str, Decimal]:
    """What open orders and margins hold, by currency."""
    locks: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for orders in state.orders.values():
        for order in orders.values():
            locks[order.locked_currency] = add(locks[order.locked_currency], order.locked)
    for position in state.positions.values():
        instrument = instruments.get(position.symbol)
        if instrument is not None:
            locks[instrument.settle] = add(locks[instrument.settle], position.margin)
    return locks
