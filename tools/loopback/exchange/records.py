"""What an account's engine has told since the start, as rows: orders and executions by number.

A fact of the engine changes the rows and becomes what streams tell. Ids are of the venue's kind,
since those of the engine are short numbers that every account has.
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
    StepResult,
    Triggered,
)
from oms.simulation.inputs import NewOrder
from oms.simulation.settings import SimulationSettings
from oms.simulation.state.exchange_state import (
    ExchangeState,
    Leg,
    OrderSource,
    PaperOrder,
    PaperTrade,
    PositionKey,
)

_NAMES = UUID("5d0e4c3a-9a41-4c0c-8f58-0c3d8e5a7b11")
_KINDS = {OrderOrigin.LIQUIDATION: "liquidation", OrderOrigin.ADL: "adl"}


class AccountRecords:
    """``name`` makes the ids of one account, and of one start, differ from those of another."""

    def __init__(self, name: str, settings: SimulationSettings) -> None:
        self.orders: dict[str, OrderRow] = {}
        self.executions: list[ExecutionRow] = []
        #: Profit less fees, by leg and by settle currency.
        self.realised: dict[PositionKey | str, Decimal] = {}
        self._name, self._settings = name, settings
        self._memory = ExchangeState()
        self._by_engine: dict[str, str] = {}
        self._by_client: dict[tuple[str, str], str] = {}

    def take(
        self, result: StepResult, wish: Mapping[str, Any], origin: OrderOrigin, exit: ExitKind
    ) -> list[AccountUpdate]:
        """What a step's facts tell; ``wish``, ``origin`` and ``exit`` are of the order it made."""
        self._memory = result.state
        told: list[AccountUpdate] = []
        triggered: list[str] = []
        for event in result.events:
            told += self._hear(event, wish, origin, exit)
            if isinstance(event, Triggered):
                triggered.append(self._by_engine[event.order.exchange_order_id])
        for row in map(self.orders.__getitem__, triggered):
            if row.state is OrderState.TRIGGERED:
                told += self._put(evolve(row, state=self._state_of(row)))
        return told

    def refused(self, place: NewOrder, wish: Mapping[str, Any], reason: str) -> list[AccountUpdate]:
        """An order that was taken, and canceled at once because it could not trade as wished."""
        order = PaperOrder(
            exchange_order_id="",
            client_id=place.client_id,
            symbol=place.symbol,
            side=place.side,
            order_type=place.order_type,
            qty=place.qty,
            price=place.price,
            leg=place.leg or Leg.BOTH,
            reduce_only=place.reduce_only,
            post_only=place.post_only,
            rank=0,
            locked_currency="",
            created_at=place.at,
            terms=place.terms,
        )
        row = self._new_row(order, wish, OrderOrigin.USER, ExitKind.NONE)
        row = evolve(row, state=OrderState.CANCELED, reason=reason)
        return self._put(row)

    def find_order(
        self, symbol: str, order_id: str | None, client_id: str | None
    ) -> OrderRow | None:
        """The order of an exchange id, else of a client id."""
        if order_id:
            row = self.orders.get(order_id)
        else:
            row = self.orders.get(self._by_client.get((_kind(symbol), client_id or ""), ""))
        return row if row is not None and row.order.symbol == symbol else None

    def has_client_id(self, symbol: str, client_id: str) -> bool:
        """Whether an order of that name was ever made on spot, or on contracts."""
        return bool(client_id) and (_kind(symbol), client_id) in self._by_client

    def open_orders(self) -> list[OrderRow]:
        """The oldest first."""
        return [row for row in self.orders.values() if row.state.is_open]

    def _hear(
        self, event: PaperEvent, wish: Mapping[str, Any], origin: OrderOrigin, exit: ExitKind
    ) -> list[AccountUpdate]:
        match event:
            case Accepted(order=order):
                row = self._accepted(order, wish, origin, exit)
                shown = order.price is not None or order.is_waiting
                return self._put(row) if shown else self._put(row)[:0]
            case Filled(trade=trade):
                return self._filled(trade)
            case FundingPaid():
                return self._funded(event)
            case Changed() | Triggered() | Canceled() | Expired():
                return self._changed(event)
            case _:
                return []

    def _accepted(
        self, order: PaperOrder, wish: Mapping[str, Any], origin: OrderOrigin, exit: ExitKind
    ) -> OrderRow:
        source = order.terms.source
        if source is OrderSource.ATTACHED:
            exit = ExitKind.TAKE_PROFIT if order.terms.trigger_price is None else ExitKind.STOP_LOSS
            row = self._new_row(order, {}, OrderOrigin.ATTACHED, exit)
            return evolve(row, parent=self._by_engine.get(order.terms.parent, ""))
        if source is not OrderSource.USER and origin is OrderOrigin.USER:
            origin = OrderOrigin.LIQUIDATION
        return self._new_row(order, wish, origin, exit)

    def _new_row(
        self, order: PaperOrder, wish: Mapping[str, Any], origin: OrderOrigin, exit: ExitKind
    ) -> OrderRow:
        number = len(self.orders) + 1
        market = self._memory.markets.get(order.symbol)
        row = OrderRow(
            number=number,
            order_id=self._id("order", number),
            order=order,
            state=OrderState.NEW,
            wish=wish,
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
        # A take profit that was attached rests in the engine; here it waits for its price.
        is_exit = row.exit is ExitKind.TAKE_PROFIT and row.origin is OrderOrigin.ATTACHED
        if row.order.is_waiting or (is_exit and not row.filled):
            return OrderState.UNTRIGGERED
        if not row.filled:
            return OrderState.NEW
        return OrderState.FILLED if row.filled >= row.order.qty else OrderState.PARTLY_FILLED

    def _put(self, row: OrderRow) -> list[AccountUpdate]:
        self.orders[row.order_id] = row
        return [OrderUpdate(row=row)]

    def _changed(self, event: PaperOrderEvent) -> list[AccountUpdate]:
        row = self.orders[self._by_engine[event.order.exchange_order_id]]
        was = row.state
        row = evolve(row, order=event.order, updated_at=self._memory.clock)
        match event:
            case Canceled(reason=reason):
                ended = (
                    OrderState.DEACTIVATED if was is OrderState.UNTRIGGERED else OrderState.CANCELED
                )
                row = evolve(row, state=ended, reason=reason)
            case Expired():
                row = evolve(row, state=OrderState.CANCELED, reason="expired")
            case Triggered():
                row = evolve(row, state=OrderState.TRIGGERED)
            case _:
                row = evolve(row, state=self._state_of(row))
        return self._put(row)

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
            gained = trade.realised - trade.fee
            for key in ((trade.symbol, trade.leg), settle):
                self.realised[key] = add(self.realised.get(key, ZERO), gained)
        kind = _KINDS.get(row.origin, "trade")
        execution = self._execution(kind, trade, row, self._rate(trade))
        return [ExecutionUpdate(row=execution), *self._put(row)]

    def _funded(self, event: FundingPaid) -> list[AccountUpdate]:
        held = self._memory.positions.get((event.symbol, event.leg))
        qty = ZERO if held is None else held.qty
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
        market = self._memory.markets.get(trade.symbol)
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

    def _id(self, what: str, number: int) -> str:
        return str(uuid5(_NAMES, f"{self._name}:{what}:{number}"))


def _kind(symbol: str) -> str:
    """Client ids are unique among spot orders, and among those of contracts."""
    return "contract" if ":" in symbol else "spot"
