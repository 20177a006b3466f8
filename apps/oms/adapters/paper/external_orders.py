"""External orders: made by the exchange itself, or placed directly by a caller of the gateway.

They have no order id of the ledger, so each report describes them. An order is tracked from its
acceptance until no more events of it can be delivered.
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
    Triggered,
)
from oms.simulation.state.exchange_state import ExchangeState
from oms.simulation.state.paper_order import OrderSource, PaperOrder, PaperTrade
from oms.simulation.step_result import StepResult

TRACKED_ORDERS_MAX = 1000
"""Orders tracked before finished ones are dropped."""

_ABOUT_ORDERS = (Accepted, Canceled, Changed, Expired, Triggered)


class ExternalOrders:
    """External orders by exchange order id."""

    def __init__(self) -> None:
        self._orders: dict[str, PaperOrder] = {}
        #: Client id of the parent of each attached order.
        self._parents: dict[str, str] = {}

    @classmethod
    def from_state(cls, state: ExchangeState) -> "ExternalOrders":
        """Returns those that are open or have events in flight."""
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
        """Tracks the external orders of a step."""
        for event in step.events:
            if type(event) is Accepted and not is_ledger_order(event.order.client_id):
                self._track(step.events, step.state)
                return

    def describe_order(self, order: PaperOrder) -> ExternalOrderInfo:
        """Returns the description of an external order."""
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
        """Returns the description of an execution's order, derived from it once dropped."""
        tracked = self._orders.get(trade.exchange_order_id)
        if tracked is not None:
            return self.describe_order(tracked)
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
        """Drops finished orders that have no more events in flight."""
        deliveries = () if state.in_flight is None else state.in_flight.deliveries
        awaited_ids = {order_id for each in deliveries if (order_id := _order_id_of(each.event))}
        for order_id, order in list(self._orders.items()):
            if state.order(order.symbol, order_id) is None and order_id not in awaited_ids:
                del self._orders[order_id]
                self._parents.pop(order_id, None)


def _client_of(
    order_id: str, symbol: str, state: ExchangeState, events: Iterable[PaperEvent]
) -> str:
    """Returns the client id of an order that is open or subject of an event; else empty."""
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
    assert isinstance(event, _ABOUT_ORDERS), "only these events have an order and no trade"
    return event.order


def _order_id_of(event: PaperEvent) -> str:
    """Returns the exchange order id that an event is about; empty for none."""
    if isinstance(event, Filled):
        return event.trade.exchange_order_id
    return event.order.exchange_order_id if isinstance(event, _ABOUT_ORDERS) else ""


def _reason(order: PaperOrder) -> str:
    """Returns why the order exists, as a deal's reason."""
    match order.terms.source:
        case OrderSource.ATTACHED:
            return "tp" if order.terms.trigger_price is None else "sl"
        case OrderSource.USER:
            # Without a client id and part of a pair: the stop of a user's OCO pair.
            return "external" if order.client_id or not order.terms.sibling else "sl"
        case source:
            return source.value


#: Executions of attached orders do not say which exit they are of.
_TRADE_REASONS = {
    OrderSource.LIQUIDATION: OrderSource.LIQUIDATION.value,
    OrderSource.CORRECTION: OrderSource.CORRECTION.value,
}
