"""Orders that are not the ledger's: made by the exchange itself, or by a caller of the gateway.

They have no number of the ledger, so whoever hears of one must be told what it is. It is known
here from the moment it is made until nothing more can be told of it, whatever is still on the way.
"""

from collections.abc import Iterable

from oms.adapters.paper.names import is_ledgers, ledger_id
from oms.domain.report import External
from oms.simulation.facts import (
    Accepted,
    Canceled,
    Changed,
    Expired,
    Fact,
    Filled,
    Step,
    Triggered,
)
from oms.simulation.memory import Memory, OrderSource, PaperOrder, PaperTrade

KNOWN_MAX = 1000
"""Orders remembered before those that are over are forgotten."""

_ABOUT_ORDERS = (Accepted, Canceled, Changed, Expired, Triggered)


class SelfMade:
    """What is known of them, by exchange order id."""

    def __init__(self) -> None:
        self._orders: dict[str, PaperOrder] = {}
        #: Client id of the order that one was attached to.
        self._parents: dict[str, str] = {}

    @classmethod
    def of(cls, memory: Memory) -> "SelfMade":
        """Those that are open, or of which something is still to be told."""
        made = cls()
        told = () if memory.line is None else [each.fact for each in memory.line.deliveries]
        for held in memory.orders.values():
            for order in held.values():
                if not ledger_id(order.client_id):
                    made._put(order, memory, told)
        made._hear(told, memory)
        return made

    def add(self, step: Step) -> None:
        """Take in what a step made."""
        for fact in step.facts:
            if type(fact) is Accepted and not is_ledgers(fact.order.client_id):
                self._hear(step.facts, step.memory)
                return

    def external(self, order: PaperOrder) -> External:
        """What such an order is."""
        parent = self._parents.get(order.exchange_order_id, "")
        return External(
            symbol=order.symbol,
            side=order.side,
            order_type=order.order_type,
            qty=order.qty,
            price=order.price,
            trigger_price=order.terms.trigger_price,
            reduce_only=order.reduce_only,
            reason=_reason(order),
            parent_order_id=ledger_id(parent) or None,
            created_at=order.created_at,
        )

    def traded(self, trade: PaperTrade) -> External:
        """What the order of an execution is; of one long forgotten, what its execution tells."""
        known = self._orders.get(trade.exchange_order_id)
        if known is not None:
            return self.external(known)
        return External(
            symbol=trade.symbol,
            side=trade.side,
            order_type="market",
            qty=trade.qty,
            reduce_only=trade.source is not OrderSource.USER,
            reason=_TRADE_REASONS.get(trade.source, "external"),
            created_at=trade.executed_at,
        )

    def _hear(self, facts: Iterable[Fact], memory: Memory) -> None:
        for fact in facts:
            if isinstance(fact, _ABOUT_ORDERS) and not ledger_id(fact.order.client_id):
                self._put(fact.order, memory, facts)
        if len(self._orders) > KNOWN_MAX:
            self._forget(memory)

    def _put(self, order: PaperOrder, memory: Memory, facts: Iterable[Fact]) -> None:
        name = order.exchange_order_id
        parent = order.terms.parent or ("" if order.client_id else order.terms.sibling)
        self._orders[name] = order
        if parent and name not in self._parents:
            client = _client_of(parent, order.symbol, memory, facts)
            if client:
                self._parents[name] = client

    def _forget(self, memory: Memory) -> None:
        """Let go of orders that are over and of which everything was told."""
        told = () if memory.line is None else memory.line.deliveries
        waiting = {name for each in told if (name := _name_of(each.fact))}
        for name, order in list(self._orders.items()):
            if memory.order(order.symbol, name) is None and name not in waiting:
                del self._orders[name]
                self._parents.pop(name, None)


def _client_of(name: str, symbol: str, memory: Memory, facts: Iterable[Fact]) -> str:
    """How the sender calls an order that is open, or that facts are about; else empty."""
    order = memory.order(symbol, name)
    if order is not None:
        return order.client_id
    for fact in facts:
        if _name_of(fact) == name:
            return fact.trade.client_id if isinstance(fact, Filled) else _order_of(fact).client_id
    return ""


def _order_of(fact: Fact) -> PaperOrder:
    assert isinstance(fact, _ABOUT_ORDERS), "only these have a name of an order and no trade"
    return fact.order


def _name_of(fact: Fact) -> str:
    """The exchange order id of what a fact is about; empty for none."""
    if isinstance(fact, Filled):
        return fact.trade.exchange_order_id
    return fact.order.exchange_order_id if isinstance(fact, _ABOUT_ORDERS) else ""


def _reason(order: PaperOrder) -> str:
    """Why it exists, as a deal's reason says it."""
    match order.terms.source:
        case OrderSource.ATTACHED:
            return "tp" if order.terms.trigger_price is None else "sl"
        case OrderSource.USER:
            # Without a name, and of a pair: the exit that came with an order of somebody.
            return "external" if order.client_id or not order.terms.sibling else "sl"
        case source:
            return source.value


#: Of attached orders the execution alone does not tell which exit it was.
_TRADE_REASONS = {
    OrderSource.LIQUIDATION: OrderSource.LIQUIDATION.value,
    OrderSource.CORRECTION: OrderSource.CORRECTION.value,
}
