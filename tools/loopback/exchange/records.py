"""Orders and executions of an account since the start, as rows, from the engine's events.

An event changes the rows and becomes updates for the streams. Ids are generated in the format of
the venue, because the engine's own ids are small numbers that repeat in every account.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from loopback.exchange.rows import (
    AccountUpdate,
    ExecutionRow,
    ExecutionUpdate,
    ExitKind,
    OrderOrigin,
    OrderRow,
    OrderState,
    OrderUpdate,
)
from oms.domain.money import ZERO, add, multiply
from oms.domain.orders.order import Side
from oms.domain.value import evolve
from oms.simulation.events import (
    Accepted,
    Canceled,
    Changed,
    Expired,
    Filled,
    FundingPaid,
    PaperEvent,
    PaperOrderEvent,
    Triggered,
)
from oms.simulation.inputs import NewOrder
from oms.simulation.settings import SimulationSettings
from oms.simulation.state.exchange_state import ExchangeState
from oms.simulation.state.paper_account import PositionKey
from oms.simulation.state.paper_order import Leg, OrderSource, PaperOrder, PaperTrade
from oms.simulation.step_result import StepResult

_NAMES = UUID("5d0e4c3a-9a41-4c0c-8f58-0c3d8e5a7b11")
_KINDS = {OrderOrigin.LIQUIDATION: "liquidation", OrderOrigin.ADL: "adl"}


class AccountRecords:
    """``namespace`` makes the ids of one account and start differ from those of another."""

    def __init__(self, namespace: str, settings: SimulationSettings) -> None:
        self.orders: dict[str, OrderRow] = {}
        self.executions: list[ExecutionRow] = []
        #: Profit less fees, by leg and by settle currency.
        self.realised: dict[PositionKey | str, Decimal] = {}
        self._namespace, self._settings = namespace, settings
        self._state = ExchangeState()
        self._by_engine: dict[str, str] = {}
        self._by_client: dict[tuple[str, str], str] = {}

    def apply(
        self, result: StepResult, params: Mapping[str, Any], origin: OrderOrigin, exit: ExitKind
    ) -> list[AccountUpdate]:
        """Records a step's events; ``params``, ``origin``, ``exit`` are those of its new order."""
        self._state = result.state
        updates: list[AccountUpdate] = []
        triggered: list[str] = []
        for event in result.events:
            updates += self._apply_event(event, params, origin, exit)
            if isinstance(event, Triggered):
                triggered.append(self._by_engine[event.order.exchange_order_id])
        for row in map(self.orders.__getitem__, triggered):
            if row.state is OrderState.TRIGGERED:
                updates += self._store(evolve(row, state=self._state_of(row)))
        return updates

    def add_canceled(
        self, request: NewOrder, params: Mapping[str, Any], reason: str
    ) -> list[AccountUpdate]:
        """Records an order that was accepted and canceled immediately, for ``reason``."""
        order = PaperOrder(
            exchange_order_id="",
            client_id=request.client_id,
            symbol=request.symbol,
            side=request.side,
            order_type=request.order_type,
            qty=request.qty,
            price=request.price,
            leg=request.leg or Leg.BOTH,
            reduce_only=request.reduce_only,
            post_only=request.post_only,
            rank=0,
            locked_currency="",
            created_at=request.at,
            terms=request.terms,
        )
        row = self._new_row(order, params, OrderOrigin.USER, ExitKind.NONE)
        row = evolve(row, state=OrderState.CANCELED, reason=reason)
        return self._store(row)

    def find_order(
        self, symbol: str, order_id: str | None, client_id: str | None
    ) -> OrderRow | None:
        """Returns the order of an order id, else of a client id; ``None`` if there is none."""
        if order_id:
            row = self.orders.get(order_id)
        else:
            row = self.orders.get(self._by_client.get((_kind(symbol), client_id or ""), ""))
        return row if row is not None and row.order.symbol == symbol else None

    def has_client_id(self, symbol: str, client_id: str) -> bool:
        """Whether the client id was used before, among spot orders or among contract orders."""
        return bool(client_id) and (_kind(symbol), client_id) in self._by_client

    def open_orders(self) -> list[OrderRow]:
        """Returns the open orders, the oldest first."""
        return [row for row in self.orders.values() if row.state.is_open]

    def _apply_event(
        self, event: PaperEvent, params: Mapping[str, Any], origin: OrderOrigin, exit: ExitKind
    ) -> list[AccountUpdate]:
        match event:
            case Accepted(order=order):
                row = self._accepted(order, params, origin, exit)
                updates = self._store(row)
                is_reported = order.price is not None or order.is_waiting
                return updates if is_reported else []
            case Filled(trade=trade):
                return self._filled(trade)
            case FundingPaid():
                return self._funded(event)
            case Changed() | Triggered() | Canceled() | Expired():
                return self._changed(event)
            case _:
                return []

    def _accepted(
        self, order: PaperOrder, params: Mapping[str, Any], origin: OrderOrigin, exit: ExitKind
    ) -> OrderRow:
        source = order.terms.source
        if source is OrderSource.ATTACHED:
            exit = ExitKind.TAKE_PROFIT if order.terms.trigger_price is None else ExitKind.STOP_LOSS
            row = self._new_row(order, {}, OrderOrigin.ATTACHED, exit)
            return evolve(row, parent=self._by_engine.get(order.terms.parent, ""))
        if source is not OrderSource.USER and origin is OrderOrigin.USER:
            origin = OrderOrigin.LIQUIDATION
        return self._new_row(order, params, origin, exit)

    def _new_row(
        self, order: PaperOrder, params: Mapping[str, Any], origin: OrderOrigin, exit: ExitKind
    ) -> OrderRow:
        number = len(self.orders) + 1
        market = self._state.markets.get(order.symbol)
        row = OrderRow(
            number=number,
            order_id=self._id("order", number),
            order=order,
            state=OrderState.NEW,
            params=params,
            origin=origin,
            exit=exit,
            created_at=order.created_at,
            updated_at=order.created_at,
            last_on_created=None if market is None else market.last or market.mark_price,
        )
        row = evolve(row, state=self._state_of(row))
        if order.exchange_order_id:
            self._by_engine[order.exchange_order_id] = row.order_id
        if order.client_id:
            self._by_client.setdefault((_kind(order.symbol), order.client_id), row.order_id)
        return row

    def _state_of(self, row: OrderRow) -> OrderState:
        # An attached take profit is a resting order in the engine, a conditional one here.
        is_exit = row.exit is ExitKind.TAKE_PROFIT and row.origin is OrderOrigin.ATTACHED
        if row.order.is_waiting or (is_exit and not row.filled):
            return OrderState.UNTRIGGERED
        if not row.filled:
            return OrderState.NEW
        return OrderState.FILLED if row.filled >= row.order.qty else OrderState.PARTLY_FILLED

    def _store(self, row: OrderRow) -> list[AccountUpdate]:
        self.orders[row.order_id] = row
        return [OrderUpdate(row=row)]

    def _changed(self, event: PaperOrderEvent) -> list[AccountUpdate]:
        row = self.orders[self._by_engine[event.order.exchange_order_id]]
        previous = row.state
        row = evolve(row, order=event.order, updated_at=self._state.clock)
        match event:
            case Canceled(reason=reason):
                final_state = (
                    OrderState.DEACTIVATED
                    if previous is OrderState.UNTRIGGERED
                    else OrderState.CANCELED
                )
                row = evolve(row, state=final_state, reason=reason)
            case Expired():
                row = evolve(row, state=OrderState.CANCELED, reason="expired")
            case Triggered():
                row = evolve(row, state=OrderState.TRIGGERED)
            case _:
                row = evolve(row, state=self._state_of(row))
        return self._store(row)

    def _filled(self, trade: PaperTrade) -> list[AccountUpdate]:
        row = self.orders[self._by_engine[trade.exchange_order_id]]
        fees = dict(row.fees)
        fees[trade.fee_currency] = add(fees.get(trade.fee_currency, ZERO), trade.fee)
        filled = add(row.filled, trade.qty)
        row = evolve(
            row,
            filled=filled,
            value=add(row.value, multiply(trade.qty, trade.price)),
            fees=fees,
            state=OrderState.FILLED if filled >= row.order.qty else OrderState.PARTLY_FILLED,
            updated_at=trade.executed_at,
        )
        settle = trade.symbol.partition(":")[2]
        if settle:
            profit = trade.realised - trade.fee
            for key in ((trade.symbol, trade.leg), settle):
                self.realised[key] = add(self.realised.get(key, ZERO), profit)
        kind = _KINDS.get(row.origin, "trade")
        execution = self._execution(kind, trade, row, self._rate(trade))
        return [ExecutionUpdate(row=execution), *self._store(row)]

    def _funded(self, event: FundingPaid) -> list[AccountUpdate]:
        position = self._state.positions.get((event.symbol, event.leg))
        qty = ZERO if position is None else position.qty
        trade = PaperTrade(
            trade_id=event.funding_id,
            exchange_order_id="",
            client_id="",
            symbol=event.symbol,
            side=Side.BUY if qty >= 0 else Side.SELL,
            leg=event.leg,
            qty=abs(qty),
            price=event.mark,
            fee=-event.amount,
            fee_currency=event.currency,
            maker=False,
            extrapolated=False,
            realised=ZERO,
            executed_at=event.at,
        )
        return [ExecutionUpdate(row=self._execution("funding", trade, None, event.rate))]

    def _execution(
        self, kind: str, trade: PaperTrade, order: OrderRow | None, rate: Decimal
    ) -> ExecutionRow:
        number = len(self.executions) + 1
        market = self._state.markets.get(trade.symbol)
        row = ExecutionRow(
            number=number,
            execution_id=self._id("execution", number),
            kind=kind,
            trade=trade,
            order=order,
            mark=None if market is None else market.mark_price,
            rate=rate,
        )
        self.executions.append(row)
        return row

    def _rate(self, trade: PaperTrade) -> Decimal:
        rates = self._settings.rates_of(self._settings.instruments[trade.symbol].kind)
        return rates.maker if trade.maker else rates.taker

    def _id(self, row_type: str, number: int) -> str:
        return str(uuid5(_NAMES, f"{self._namespace}:{row_type}:{number}"))


def _kind(symbol: str) -> str:
    """Returns the scope in which client ids are unique."""
    return "contract" if ":" in symbol else "spot"
