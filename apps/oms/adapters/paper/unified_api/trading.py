"""ccxt's trading methods on a paper exchange, bypassing the ledger.

Requests arrive immediately, regardless of the account's latency, because the caller waits for the
result. Their effects are reported like any other; results are ccxt's structures.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar, assert_never

from oms.adapters.paper.client_order_ids import encode_client_order_id
from oms.adapters.paper.paper_engine import PaperEngine
from oms.adapters.paper.unified_api.contract_structures import leverage, margin_mode
from oms.adapters.paper.unified_api.dispatch import not_supported
from oms.adapters.paper.unified_api.order_parsing import (
    parse_order,
    round_amount,
    round_price,
    trigger_param,
)
from oms.adapters.paper.unified_api.structures import (
    Structure,
    rejected_order_structure,
    request_result_structure,
)
from oms.domain.errors import Invalid, OmsError, Refused
from oms.domain.instrument import Instrument, refuse_below_min_notional
from oms.domain.orders.order import Side
from oms.simulation.events import (
    Accepted,
    Canceled,
    Changed,
    Expired,
    Filled,
    PaperOrderEvent,
    Rejected,
    Triggered,
)
from oms.simulation.inputs import (
    CancelOrder,
    ChangeOrder,
    Input,
    NewOrder,
    NewOrderPair,
    SetLeverage,
    SetMarginMode,
)
from oms.simulation.state.contract_overrides import MarginMode
from oms.simulation.state.exchange_state import ExchangeState
from oms.simulation.state.paper_account import PaperPosition
from oms.simulation.state.paper_order import Leg, PaperOrder, PaperTrade
from oms.simulation.step_result import ReplyOutcome, StepResult
from oms.wire.ccxt.trade_parser import read_trade
from oms.wire.ccxt.trade_requests import (
    CancelAllRequest,
    CancelOrders,
    CancelRequest,
    CloseRequest,
    CreateOrders,
    CreateRequest,
    EditOrders,
    EditRequest,
    SettingRequest,
    TradeRequest,
    positive_number,
)

_ABOUT_ORDERS = (Accepted, Changed, Canceled, Triggered, Expired)
OrderCommand = TypeVar(
    "OrderCommand",
    CreateRequest,
    EditRequest,
    CancelRequest,
)


class RequestFailed(OmsError):
    """The exchange rejected a request, or its outcome is unknown."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.message, code=refused.code, reason=refused.reason)
        self.refused = refused


@dataclass(slots=True, kw_only=True)
class PaperTrading:
    """One call; its step results are in ``steps``, also if it raises."""

    engine: PaperEngine
    now: datetime
    steps: list[StepResult] = field(default_factory=list)

    def call(
        self, func: str, args: Sequence[object], kwargs: Mapping[str, object]
    ) -> tuple[object, Refused | None]:
        """Returns the result of a method, or why it was refused."""
        try:
            trade = read_trade(func, args, kwargs)
            if trade is None:
                raise not_supported(func)
            return self(trade), None
        except RequestFailed as no:
            return None, no.refused
        except Invalid as error:
            refused = Refused(code=error.code, message=error.message, reason=error.reason)
            return None, refused

    def __call__(self, trade: TradeRequest) -> object:
        """Executes a trading command. Raises ``RequestFailed``, ``Invalid``."""
        match trade:
            case CreateOrders():
                return self._run_each(trade.orders, self._create_order, is_list=trade.is_list)
            case EditOrders():
                return self._run_each(trade.orders, self._edit_order, is_list=trade.is_list)
            case CancelOrders():
                return self._run_each(trade.orders, self._cancel_order, is_list=trade.is_list)
            case CancelAllRequest():
                return self._cancel_all(trade)
            case CloseRequest():
                return self._close_positions(trade)
            case SettingRequest():
                return self._change_setting(trade)
            case _:
                assert_never(trade)

    def _run_each(
        self,
        orders: Sequence[OrderCommand],
        execute: Callable[[OrderCommand], Structure],
        *,
        is_list: bool,
    ) -> object:
        """Executes orders one by one; a list contains rejected ones unless all are rejected."""
        if not is_list:
            return execute(orders[0])
        structures: list[Structure] = []
        refusals: list[OmsError] = []
        for order in orders:
            try:
                structures.append(execute(order))
            except (RequestFailed, Invalid) as error:
                refusals.append(error)
                structures.append(rejected_order_structure(order.symbol, error.code, error.message))
        if refusals and len(refusals) == len(orders):
            raise refusals[0]
        return structures

    def _create_order(self, command: CreateRequest) -> Structure:
        instrument = self._instrument(command.symbol)
        self._update_market(command.symbol)
        market = self.engine.market(command.symbol, self.now)
        request = parse_order(command, instrument, market, self.now)
        first = request.first if isinstance(request, NewOrderPair) else request
        self._check_new(first, instrument)
        step = self._execute(request)
        return self._created_order(step, first.client_id)

    def _check_new(self, place: NewOrder, instrument: Instrument) -> None:
        """Checks that the client order id is not in use, and the minimum size."""
        held = self.engine.state.orders.get(place.symbol, {}).values()
        has_name = place.client_id != encode_client_order_id(None)
        if has_name and any(order.client_id == place.client_id for order in held):
            raise Invalid(
                "an open order has this clientOrderId",
                code="idempotency_mismatch",
                reason="client_order_id",
            )
        price = place.price or place.terms.trigger_price
        if price is None:
            market = self.engine.market(place.symbol, self.now)
            best = None if market is None else market.opposite(place.side).best
            price = None if best is None else best[0]
        if place.reduce_only or price is None or not place.qty:
            return
        refused = refuse_below_min_notional(instrument, qty=place.qty, price=price)
        if refused is not None:
            raise RequestFailed(refused)

    def _edit_order(self, command: EditRequest) -> Structure:
        order = self._find_open(command.name, command.symbol, is_client_id=command.is_client_id)
        instrument = self._instrument(order.symbol)
        trigger = positive_number("triggerPrice", trigger_param(command.params))
        if command.amount is None and command.price is None and trigger is None:
            raise Invalid("an amount, a price or a triggerPrice is needed")
        amount = None if command.amount is None else round_amount(command.amount, instrument)
        change = ChangeOrder(
            client_id=order.client_id,
            exchange_order_id=order.exchange_order_id,
            symbol=order.symbol,
            price=None if order.price is None else round_price(command.price, instrument),
            qty=amount,
            trigger_price=round_price(trigger, instrument),
            at=self.now,
        )
        return self._order_result(self._execute(change), order.exchange_order_id)

    def _cancel_order(self, command: CancelRequest) -> Structure:
        order = self._find_open(command.name, command.symbol, is_client_id=command.is_client_id)
        return self._cancel_open(order)

    def _cancel_open(self, order: PaperOrder) -> Structure:
        cancel = CancelOrder(
            client_id=order.client_id,
            exchange_order_id=order.exchange_order_id,
            symbol=order.symbol,
            at=self.now,
        )
        return self._order_result(self._execute(cancel), order.exchange_order_id)

    def _cancel_all(self, command: CancelAllRequest) -> list[Structure]:
        if command.symbol is not None:
            self._update_market(self._instrument(command.symbol).symbol)
        found = [order for order in self._open_orders() if command.symbol in (None, order.symbol)]
        canceled: list[Structure] = []
        for order in sorted(found, key=lambda order: order.number):
            state = self.engine.state
            if state.order(order.symbol, order.exchange_order_id) is not None:
                canceled.append(self._cancel_open(order))
            else:
                canceled.append(self._canceled_with_sibling(order))
        return canceled

    def _canceled_with_sibling(self, order: PaperOrder) -> Structure:
        """Returns an order that ended because its sibling was canceled."""
        name = order.exchange_order_id
        for step in reversed(self.steps):
            for event in step.events:
                if isinstance(event, Canceled) and event.order.exchange_order_id == name:
                    return self._order_result(step, name)
        raise AssertionError(f"order {name} ended without an event")

    def _close_positions(self, command: CloseRequest) -> object:
        positions = [
            position
            for (symbol, _), position in sorted(self.engine.state.positions.items())
            if command.symbol in (None, symbol) and command.side in (None, _side(position))
        ]
        if command.symbol is None:
            return [self._close_position(position, command) for position in positions]
        self._instrument(command.symbol)
        if len(positions) > 1:
            raise Invalid("both sides are held; the side to close is needed")
        if not positions:
            raise RequestFailed(
                _rejection("exchange_rejected", f"no such position in {command.symbol} is open")
            )
        return self._close_position(positions[0], command)

    def _close_position(self, position: PaperPosition, command: CloseRequest) -> Structure:
        self._update_market(position.symbol)
        amount = position.qty.copy_abs()
        if command.amount is not None:
            amount = round_amount(min(command.amount, amount), self._instrument(position.symbol))
        place = NewOrder(
            client_id=encode_client_order_id(None),
            symbol=position.symbol,
            side=_side(position).opposite,
            order_type="market",
            qty=amount,
            price=None,
            reduce_only=True,
            leg=None if position.leg is Leg.BOTH else position.leg,
            at=self.now,
        )
        return self._created_order(self._execute(place), place.client_id)

    def _change_setting(self, command: SettingRequest) -> Structure:
        if command.func == "set_position_mode":
            return self._check_position_mode(command.value)
        if command.symbol is None:
            raise Invalid(f"{command.func} needs a symbol")
        instrument = self._instrument(command.symbol)
        if command.func == "set_leverage":
            value = positive_number("leverage", command.value)
            if value is None or value != value.to_integral_value():
                raise Invalid("leverage: a whole number is expected")
            self._execute(SetLeverage(symbol=command.symbol, leverage=int(value), at=self.now))
            return leverage(self.engine.state, self.engine.settings, instrument)
        name = command.value.lower() if isinstance(command.value, str) else ""
        if name not in MarginMode.__members__.values():
            raise Invalid("marginMode: cross or isolated is expected")
        self._execute(SetMarginMode(symbol=command.symbol, mode=MarginMode(name), at=self.now))
        return margin_mode(self.engine.state, self.engine.settings, instrument)

    def _check_position_mode(self, hedged: object) -> Structure:
        if not isinstance(hedged, bool):
            raise Invalid("hedged: true or false is expected")
        if hedged is not self.engine.settings.hedge:
            message = "the position mode of a paper account is part of its settings"
            raise RequestFailed(_rejection("position_mode_mismatch", message))
        return {"info": {}, "hedged": hedged}

    def _execute(self, request: Input) -> StepResult:
        """Executes a request. Raises ``RequestFailed`` where the exchange rejects it."""
        step = self.engine.step(request, without_latency=True)
        self.steps.append(step)
        match step.reply.outcome:
            case ReplyOutcome.LOST:
                message = "the reply of the exchange was lost; look the order up"
                raise RequestFailed(
                    Refused(code="outcome_unknown", message=message, outcome="unknown")
                )
            case ReplyOutcome.OVERLOADED:
                message = "the exchange demands a pause and has not processed the request"
                raise RequestFailed(_rejection("exchange_rate_limited", message))
        names = _names(request)
        for event in step.events:
            if isinstance(event, Rejected) and event.client_id in names:
                code = _CODES.get(event.code, event.code)
                raise RequestFailed(_rejection(code, event.message))
        return step

    def _created_order(self, step: StepResult, client_id: str) -> Structure:
        """Returns the order that the step created."""
        created_ids = (
            event.order.exchange_order_id
            for event in step.events
            if isinstance(event, Accepted) and event.order.client_id == client_id
        )
        return self._order_result(step, next(created_ids))

    def _order_result(self, step: StepResult, name: str) -> Structure:
        """Returns the order after the step, with its executions in it."""
        last_event: PaperOrderEvent | None = None
        trades: list[PaperTrade] = []
        later_trades: list[PaperTrade] = []
        for event in step.events:
            if isinstance(event, _ABOUT_ORDERS) and event.order.exchange_order_id == name:
                last_event, later_trades = event, []
            elif isinstance(event, Filled) and event.trade.exchange_order_id == name:
                trades.append(event.trade)
                later_trades.append(event.trade)
        assert last_event is not None, "a request that is not rejected has an event"
        settings, order = self.engine.settings, last_event.order
        structure = request_result_structure(
            order, later_trades, settings, _status(last_event, step.state)
        )
        if len(later_trades) == len(trades):
            return structure
        all_trades = request_result_structure(order, trades, settings, "")
        return structure | {key: all_trades[key] for key in ("trades", "fee", "fees")}

    def _find_open(self, name: str, symbol: str | None, *, is_client_id: bool) -> PaperOrder:
        """Returns an open order. Raises ``RequestFailed`` if there is none."""
        if symbol is not None:
            self._update_market(self._instrument(symbol).symbol)
        for order in self._open_orders():
            order_name = order.client_id if is_client_id else order.exchange_order_id
            requested = encode_client_order_id(name) if is_client_id else name
            if order_name == requested and symbol in (None, order.symbol):
                return order
        raise RequestFailed(_rejection("order_not_found", f"no order {name!r} is open"))

    def _open_orders(self) -> list[PaperOrder]:
        return [each for held in self.engine.state.orders.values() for each in held.values()]

    def _update_market(self, symbol: str) -> None:
        self.steps += self.engine.update_market(symbol, self.now)

    def _instrument(self, symbol: str) -> Instrument:
        instrument = self.engine.settings.instruments.get(symbol)
        if instrument is None:
            raise Invalid(f"{symbol!r} is not traded here", code="instrument_not_supported")
        return instrument


#: ccxt does not distinguish these codes of the simulation.
_CODES: Mapping[str, str] = {"order_not_open": "order_not_found"}


def _status(event: PaperOrderEvent, state: ExchangeState) -> str:
    order = event.order
    if state.order(order.symbol, order.exchange_order_id) is not None:
        return "open"
    match event:
        case Canceled():
            return "canceled"
        case Expired():
            return "expired"
        case _:
            return "closed"


def _names(request: Input) -> frozenset[str]:
    if isinstance(request, NewOrderPair):
        return frozenset({request.first.client_id, request.second.client_id})
    return frozenset({getattr(request, "client_id", "")})


def _rejection(code: str, message: str) -> Refused:
    return Refused(code=code, message=message, outcome="rejected")


def _side(position: PaperPosition) -> Side:
    return Side.BUY if position.qty > 0 else Side.SELL
