"""Orders that are not the ledger's: made by the exchange itself, or by a caller of the gateway.

They have no number of the ledger, so whoever hears of one must be told what it is. It is known
here from the moment it is made until nothing more can be told of it, whatever is still on the way.
"""

from collections.abc import Iterable

from oms.adapters.paper.client_order_ids import is_ledger_order, ledger_order_id
from oms.domain.orders.execution_report import ExternalOrderInfo
from oms.simulation.events import (
    Accepted,
    Canceled,
    Changed,
    Expired,
    Filled,
    PaperEvent,
    StepResult,
    Triggered,
)
from oms.simulation.state.exchange_state import ExchangeState, OrderSource, PaperOrder, PaperTrade

TRACKED_ORDERS_MAX = 1000
"""Orders remembered before those that are over are forgotten."""

_ABOUT_ORDERS = (Accepted, Canceled, Changed, Expired, Triggered)


class ExternalOrders:
    """What is known of them, by exchange order id."""

    def __init__(self) -> None:
        self._orders: dict[str, PaperOrder] = {}
        #: Client id of the order that one was attached to.
        self._parents: dict[str, str] = {}

    @classmethod
    def from_state(cls, state: ExchangeState) -> "ExternalOrders":
        """Those that are open, or of which something is still to be told."""
        orders = cls()
        deliveries = (
            () if state.in_flight is None else [each.event for each in state.in_flight.deliveries]
        )
        for held in state.orders.values():
            for order in held.values():
                if not ledger_order_id(order.client_id):
                    orders._track_order(order, state, deliveries)
        orders._track(deliveries, state)
        return orders

    def record(self, step: StepResult) -> None:
        """Take in what a step made."""
        for event in step.events:
            if type(event) is Accepted and not is_ledger_order(event.order.client_id):
                self._track(step.events, step.state)
                return

    def external(self, order: PaperOrder) -> ExternalOrderInfo:
        """What such an order is."""
        parent = self._parents.get(order.exchange_order_id, "")
        return ExternalOrderInfo(
            symbol=order.symbol,
            side=order.side,
            order_type=order.order_type,
            qty=order.qty,
            price=order.price,
            trigger_price=order.terms.trigger_price,
            reduce_only=order.reduce_only,
            reason=_reason(order),
            parent_order_id=ledger_order_id(parent) or None,
            created_at=order.created_at,
        )

    def describe_trade(self, trade: PaperTrade) -> ExternalOrderInfo:
        """What the order of an execution is; of one long forgotten, what its execution tells."""
        tracked = self._orders.get(trade.exchange_order_id)
        if tracked is not None:
            return self.external(tracked)
        return ExternalOrderInfo(
            symbol=trade.symbol,
            side=trade.side,
            order_type="market",
            qty=trade.qty,
            reduce_only=trade.source is not OrderSource.USER,
            reason=_TRADE_REASONS.get(trade.source, "external"),
            created_at=trade.executed_at,
        )

    def _track(self, events: Iterable[PaperEvent], state: ExchangeState) -> None:
        for event in events:
            if isinstance(event, _ABOUT_ORDERS) and not ledger_order_id(event.order.client_id):
                self._track_order(event.order, state, events)
        if len(self._orders) > TRACKED_ORDERS_MAX:
            self._drop_finished(state)

    def _track_order(
        self, order: PaperOrder, state: ExchangeState, events: Iterable[PaperEvent]
    ) -> None:
        order_id = order.exchange_order_id
        parent = order.terms.parent or ("" if order.client_id else order.terms.sibling)
        self._orders[order_id] = order
        if parent and order_id not in self._parents:
            client_id = _client_of(parent, order.symbol, state, events)
            if client_id:
                self._parents[order_id] = client_id

    def _drop_finished(self, state: ExchangeState) -> None:
        """Let go of orders that are over and of which everything was told."""
        deliveries = () if state.in_flight is None else state.in_flight.deliveries
        awaited_ids = {order_id for each in deliveries if (order_id := _order_id_of(each.event))}
        for order_id, order in list(self._orders.items()):
            if state.order(order.symbol, order_id) is None and order_id not in awaited_ids:
                del self._orders[order_id]
                self._parents.pop(order_id, None)


def _client_of(
    order_id: str, symbol: str, state: ExchangeState, events: Iterable[PaperEvent]
) -> str:
    """How the sender calls an order that is open, or that facts are about; else empty."""
    order = state.order(symbol, order_id)
    if order is not None:
        return order.client_id
    for event in events:
        if _order_id_of(event) == order_id:
            return (
                event.trade.client_id if isinstance(event, Filled) else _order_of(event).client_id
            )
    return ""


def _order_of(event: PaperEvent) -> PaperOrder:
    assert isinstance(event, _ABOUT_ORDERS), "only these have a name of an order and no trade"
    return event.order


def _order_id_of(event: PaperEvent) -> str:
    """The exchange order id of what a fact is about; empty for none."""
    if isinstance(event, Filled):
        return event.trade.exchange_order_id
    return event.order.exchange_order_id if isinstance(event, _ABOUT_ORDERS) else ""


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
