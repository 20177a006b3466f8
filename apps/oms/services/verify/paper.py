"""The invariants of a paper account's money and contracts as pure rules. Spot is not compared.

A spot balance also holds what was paid in, so it is not the sum of positions. A loss on contracts
may leave their currency below zero, and a spot short its base where that is allowed.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from oms.domain.account import Account
from oms.domain.instrument import Instrument, Kind
from oms.domain.money import ZERO, total
from oms.domain.order import Order
from oms.domain.position import Position
from oms.ports.exchange import MemoryRows
from oms.services.verify.findings import Finding, breach
from oms.simulation.canonical import StoredMemory, text_hash
from oms.simulation.memory import Memory


def balance_findings(
    account: Account, memory: Memory, instruments: Mapping[str, Instrument]
) -> Iterator[Finding]:
    """Whether what is locked is locked for something, and no money is owed that cannot be."""
    locks = _locks(memory, instruments)
    contracts = {i.settle for i in instruments.values() if i.kind is not Kind.SPOT}
    for currency in sorted(memory.balances.keys() | locks.keys()):
        balance = memory.balances.get(currency)
        used = ZERO if balance is None else balance.used
        if used != locks[currency] or used < 0:
            yield breach("paper_used", "paper_balance", currency, locks[currency], used)
        may_owe = currency in contracts or account.paper.allow_spot_short
        if balance is not None and balance.total < 0 and not may_owe:
            yield breach("paper_total", "paper_balance", currency, "0 or more", balance.total)


def contract_findings(
    memory: Memory, instruments: Mapping[str, Instrument], positions: Iterable[Position]
) -> Iterator[Finding]:
    """Whether the exchange's contracts are, per symbol, those of our book."""
    ours: dict[str, Decimal] = defaultdict(lambda: ZERO)
    theirs: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for position in positions:
        instrument = instruments.get(position.symbol)
        if instrument is not None and instrument.kind is not Kind.SPOT:
            ours[position.symbol] = total(ours[position.symbol], position.qty)
    for held in memory.positions.values():
        theirs[held.symbol] = total(theirs[held.symbol], held.qty)
    for symbol in sorted(ours.keys() | theirs.keys()):
        if ours[symbol] != theirs[symbol]:
            yield breach("paper_position", "symbol", symbol, theirs[symbol], ours[symbol])


def resting_findings(memory: Memory, orders: Iterable[Order]) -> Iterator[Finding]:
    """Whether the orders that rest at the exchange are our open ones."""
    resting = {name for found in memory.orders.values() for name in found}
    ours: dict[str, int] = {}
    for order in orders:
        if order.exchange_order_id is not None:
            ours[order.exchange_order_id] = order.id
    for name in sorted(ours.keys() - resting):
        yield breach("paper_order", "order", ours[name], f"{name} at rest", None)
    for name in sorted(resting - ours.keys()):
        yield breach("paper_order", "paper_order", name, "an open order of ours", None)


def _locks(memory: Memory, instruments: Mapping[str, Instrument]) -> Mapping[str, Decimal]:
    """What open orders and margins hold, by currency."""
    locks: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for orders in memory.orders.values():
        for order in orders.values():
            locks[order.locked_currency] = total(locks[order.locked_currency], order.locked)
    for position in memory.positions.values():
        instrument = instruments.get(position.symbol)
        if instrument is not None:
            locks[instrument.settle] = total(locks[instrument.settle], position.margin)
    return locks


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperLook:
    """A paper account and what is traded there."""

    account: Account
    instruments: Mapping[str, Instrument]

    def findings(
        self, rows: MemoryRows, orders: Sequence[Order], positions: Sequence[Position]
    ) -> list[Finding]:
        """What is wrong between the stored memory and our open orders and positions."""
        if rows.state is None:
            memory = Memory()
        elif rows.state_hash and rows.state_hash != text_hash(rows.state):
            account_id, found = self.account.id, text_hash(rows.state)
            return [breach("paper_hash", "paper_state", account_id, rows.state_hash, found)]
        else:
            resting = [text for text in rows.orders.values() if text is not None]
            memory = StoredMemory(books=rows.state, orders=resting, markets={}).memory()
        return [
            *balance_findings(self.account, memory, self.instruments),
            *contract_findings(memory, self.instruments, positions),
            *resting_findings(memory, orders),
        ]
