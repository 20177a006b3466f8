"""Trades in ccxt's words on a paper exchange: past the ledger, straight to the books.

Requests arrive at once, whatever latency the account has: who calls waits for the answer. What they
do is told in reports like anything else that the exchange did; the answers are ccxt's structures.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar, assert_never

from oms.adapters.paper.client_order_ids import encode_client_order_id
from oms.adapters.paper.paper_engine import PaperEngine
from oms.adapters.paper.unified_api.contract_structures import leverage, margin_mode
from oms.adapters.paper.unified_api.order_parsing import parse_order, round_amount, round_price
from oms.adapters.paper.unified_api.structures import (
    Structure,
    rejected_order_structure,
    request_result_structure,
)
from oms.adapters.paper.unified_api.unsupported import not_supported
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
    ReplyOutcome,
    StepResult,
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
from oms.simulation.state.exchange_state import (
    ExchangeState,
    Leg,
    PaperOrder,
    PaperPosition,
    PaperTrade,
)
from oms.wire.ccxt import trade_requests as asked
from oms.wire.ccxt.trade_parser import read_trade

_ABOUT_ORDERS = (Accepted, Changed, Canceled, Triggered, Expired)
OrderCommand = TypeVar("OrderCommand", asked.CreateRequest, asked.EditRequest, asked.CancelRequest)


class RequestFailed(OmsError):
    """The exchange said no, or nobody knows what it did."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.message, code=refused.code, reason=refused.reason)
        self.refused = refused


@dataclass(slots=True, kw_only=True)
class PaperTrading:
    """One call; what it did stands in ``steps``, also where it raises."""

    engine: PaperEngine
    now: datetime
    steps: list[StepResult] = field(default_factory=list)

    def call(
        self, func: str, args: Sequence[object], kwargs: Mapping[str, object]
    ) -> tuple[object, Refused | None]:
        """What a method answers, or why it does not."""
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

    def __call__(self, trade: asked.TradeRequest) -> object:
        """Carry out what is asked; its answer. Raises ``NotDone``, ``Invalid``."""
        match trade:
            case asked.CreateOrders():
                return self._run_each(trade.orders, self._create_order, is_list=trade.is_list)
            case asked.EditOrders():
                return self._run_each(trade.orders, self._edit_order, is_list=trade.is_list)
            case asked.CancelOrders():
                return self._run_each(trade.orders, self._cancel_order, is_list=trade.is_list)
            case asked.CancelAllRequest():
                return self._cancel_all(trade)
            case asked.CloseRequest():
                return self._close_positions(trade)
            case asked.SettingRequest():
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
        """One after the other; in a list what is refused says so, unless all of it is."""
        if not is_list:
            return execute(orders[0])
        made: list[Structure] = []
        refusals: list[OmsError] = []
        for order in orders:
            try:
                made.append(execute(order))
            except (RequestFailed, Invalid) as error:
                refusals.append(error)
                made.append(rejected_order_structure(order.symbol, error.code, error.message))
        if refusals and len(refusals) == len(orders):
            raise refusals[0]
        return made

    def _create_order(self, told: asked.CreateRequest) -> Structure:
        instrument = self._instrument(told.symbol)
        self._update_market(told.symbol)
        market = self.engine.market(told.symbol, self.now)
        request = parse_order(told, instrument, market, self.now)
        first = request.first if isinstance(request, NewOrderPair) else request
        self._check_new(first, instrument)
        step = self._execute(request)
        return self._created_order(step, first.client_id)

    def _check_new(self, place: NewOrder, instrument: Instrument) -> None:
        """What the exchange judges before its books: a name in use, an order too small."""
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

    def _edit_order(self, told: asked.EditRequest) -> Structure:
        order = self._find_open(told.name, told.symbol, is_client_id=told.is_client_id)
        instrument = self._instrument(order.symbol)
        trigger = asked.positive_number("triggerPrice", _trigger_of(told.params))
        if told.amount is None and told.price is None and trigger is None:
            raise Invalid("an amount, a price or a triggerPrice is needed")
        amount = None if told.amount is None else round_amount(told.amount, instrument)
        change = ChangeOrder(
            client_id=order.client_id,
            exchange_order_id=order.exchange_order_id,
            symbol=order.symbol,
            price=None if order.price is None else round_price(told.price, instrument),
            qty=amount,
            trigger_price=round_price(trigger, instrument),
            at=self.now,
        )
        return self._order_result(self._execute(change), order.exchange_order_id)

    def _cancel_order(self, told: asked.CancelRequest) -> Structure:
        order = self._find_open(told.name, told.symbol, is_client_id=told.is_client_id)
        return self._cancel_open(order)

    def _cancel_open(self, order: PaperOrder) -> Structure:
        cancel = CancelOrder(
            client_id=order.client_id,
            exchange_order_id=order.exchange_order_id,
            symbol=order.symbol,
            at=self.now,
        )
        return self._order_result(self._execute(cancel), order.exchange_order_id)

    def _cancel_all(self, told: asked.CancelAllRequest) -> list[Structure]:
        if told.symbol is not None:
            self._update_market(self._instrument(told.symbol).symbol)
        found = [order for order in self._open_orders() if told.symbol in (None, order.symbol)]
        canceled: list[Structure] = []
        for order in sorted(found, key=lambda order: order.number):
            state = self.engine.state
            if state.order(order.symbol, order.exchange_order_id) is not None:
                canceled.append(self._cancel_open(order))
            else:
                canceled.append(self._canceled_with_sibling(order))
        return canceled

    def _canceled_with_sibling(self, order: PaperOrder) -> Structure:
        """An order that ended because its sibling was canceled."""
        name = order.exchange_order_id
        for step in reversed(self.steps):
            for event in step.events:
                if isinstance(event, Canceled) and event.order.exchange_order_id == name:
                    return self._order_result(step, name)
        raise AssertionError(f"order {name} ended untold")

    def _close_positions(self, told: asked.CloseRequest) -> object:
        positions = [
            position
            for (symbol, _), position in sorted(self.engine.state.positions.items())
            if told.symbol in (None, symbol) and told.side in (None, _side(position))
        ]
        if told.symbol is None:
            return [self._close_position(position, told) for position in positions]
        self._instrument(told.symbol)
        if len(positions) > 1:
            raise Invalid("both sides are held; the side to close is needed")
        if not positions:
            message = f"no such position in {told.symbol} is open"
            raise RequestFailed(_rejection("exchange_rejected", message))
        return self._close_position(positions[0], told)

    def _close_position(self, position: PaperPosition, told: asked.CloseRequest) -> Structure:
        self._update_market(position.symbol)
        amount = position.qty.copy_abs()
        if told.amount is not None:
            amount = round_amount(min(told.amount, amount), self._instrument(position.symbol))
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

    def _change_setting(self, told: asked.SettingRequest) -> Structure:
        if told.func == "set_position_mode":
            return self._check_position_mode(told.value)
        if told.symbol is None:
            raise Invalid(f"{told.func} needs a symbol")
        instrument = self._instrument(told.symbol)
        if told.func == "set_leverage":
            value = asked.positive_number("leverage", told.value)
            if value is None or value != value.to_integral_value():
                raise Invalid("leverage: a whole number is expected")
            self._execute(SetLeverage(symbol=told.symbol, leverage=int(value), at=self.now))
            return leverage(self.engine.state, self.engine.settings, instrument)
        name = told.value.lower() if isinstance(told.value, str) else ""
        if name not in MarginMode.__members__.values():
            raise Invalid("marginMode: cross or isolated is expected")
        self._execute(SetMarginMode(symbol=told.symbol, mode=MarginMode(name), at=self.now))
        return margin_mode(self.engine.state, self.engine.settings, instrument)

    def _check_position_mode(self, hedged: object) -> Structure:
        if not isinstance(hedged, bool):
            raise Invalid("hedged: true or false is expected")
        if hedged is not self.engine.settings.hedge:
            message = "the position mode of a paper account is part of its settings"
            raise RequestFailed(_rejection("position_mode_mismatch", message))
        return {"info": {}, "hedged": hedged}

    def _execute(self, request: Input) -> StepResult:
        """Carry a request out. Raises ``NotDone`` where the exchange says no."""
        step = self.engine.step(request, without_latency=True)
        self.steps.append(step)
        match step.reply.outcome:
            case ReplyOutcome.LOST:
                message = "the answer of the exchange was lost; look the order up"
                raise RequestFailed(
                    Refused(code="outcome_unknown", message=message, outcome="unknown")
                )
            case ReplyOutcome.OVERLOADED:
                message = "the exchange asks for a pause and has not looked at the request"
                raise RequestFailed(_rejection("exchange_rate_limited", message))
        names = _names(request)
        for event in step.events:
            if isinstance(event, Rejected) and event.client_id in names:
                code = _CODES.get(event.code, event.code)
                raise RequestFailed(_rejection(code, event.message))
        return step

    def _created_order(self, step: StepResult, client_id: str) -> Structure:
        """The order that the step made."""
        named = (
            event.order.exchange_order_id
            for event in step.events
            if isinstance(event, Accepted) and event.order.client_id == client_id
        )
        return self._order_result(step, next(named))

    def _order_result(self, step: StepResult, name: str) -> Structure:
        """The order as it is after the step, with what it executed there."""
        told: PaperOrderEvent | None = None
        trades: list[PaperTrade] = []
        later_trades: list[PaperTrade] = []
        for event in step.events:
            if isinstance(event, _ABOUT_ORDERS) and event.order.exchange_order_id == name:
                told, later_trades = event, []
            elif isinstance(event, Filled) and event.trade.exchange_order_id == name:
                trades.append(event.trade)
                later_trades.append(event.trade)
        assert told is not None, "what is not refused is told"
        settings, order = self.engine.settings, told.order
        structure = request_result_structure(
            order, later_trades, settings, _status(told, step.state)
        )
        if len(later_trades) == len(trades):
            return structure
        whole = request_result_structure(order, trades, settings, "")
        return structure | {key: whole[key] for key in ("trades", "fee", "fees")}

    def _find_open(self, name: str, symbol: str | None, *, is_client_id: bool) -> PaperOrder:
        """An open order. Raises ``NotDone`` where there is none of that name."""
        if symbol is not None:
            self._update_market(self._instrument(symbol).symbol)
        for order in self._open_orders():
            order_name = order.client_id if is_client_id else order.exchange_order_id
            requested = encode_client_order_id(name) if is_client_id else name
            if order_name == requested and symbol in (None, order.symbol):
                return order
        message = f"no order {name!r} is open"
        raise RequestFailed(_rejection("order_not_found", message))

    def _open_orders(self) -> list[PaperOrder]:
        return [each for held in self.engine.state.orders.values() for each in held.values()]

    def _update_market(self, symbol: str) -> None:
        self.steps += self.engine.update_market(symbol, self.now)

    def _instrument(self, symbol: str) -> Instrument:
        known = self.engine.settings.instruments.get(symbol)
        if known is None:
            message = f"{symbol!r} is not traded here"
            raise Invalid(message, code="instrument_not_supported")
        return known


#: What ccxt tells apart less finely than the simulation.
_CODES: Mapping[str, str] = {"order_not_open": "order_not_found"}


def _status(told: PaperOrderEvent, state: ExchangeState) -> str:
    order = told.order
    if state.order(order.symbol, order.exchange_order_id) is not None:
        return "open"
    match told:
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


def _trigger_of(params: asked.Params) -> object:
    for name in ("triggerPrice", "trigger_price", "stopPrice", "stop_price", "stopLossPrice"):
        if params.get(name) is not None:
            return params[name]
    return params.get("takeProfitPrice")
