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
One = TypeVar("One", asked.CreateRequest, asked.EditRequest, asked.CancelRequest)


class RequestFailed(OmsError):
    """The exchange said no, or nobody knows what it did."""

    def __init__(self, why: Refused) -> None:
        super().__init__(why.message, code=why.code, reason=why.reason)
        self.why = why


@dataclass(slots=True, kw_only=True)
class PaperTrading:
    """One call; what it did stands in ``steps``, also where it raises."""

    engine: PaperEngine
    now: datetime
    steps: list[StepResult] = field(default_factory=list)

    def answer(
        self, func: str, args: Sequence[object], kwargs: Mapping[str, object]
    ) -> tuple[object, Refused | None]:
        """What a method answers, or why it does not."""
        try:
            trade = read_trade(func, args, kwargs)
            if trade is None:
                raise not_supported(func)
            return self(trade), None
        except RequestFailed as no:
            return None, no.why
        except Invalid as wrong:
            why = Refused(code=wrong.code, message=wrong.message, reason=wrong.reason)
            return None, why

    def __call__(self, trade: asked.TradeRequest) -> object:
        """Carry out what is asked; its answer. Raises ``NotDone``, ``Invalid``."""
        match trade:
            case asked.CreateOrders():
                return self._each(trade.orders, self._create, is_list=trade.is_list)
            case asked.EditOrders():
                return self._each(trade.orders, self._edit, is_list=trade.is_list)
            case asked.CancelOrders():
                return self._each(trade.orders, self._cancel, is_list=trade.is_list)
            case asked.CancelAllRequest():
                return self._cancel_all(trade)
            case asked.CloseRequest():
                return self._close(trade)
            case asked.SettingRequest():
                return self._set(trade)
            case _:
                assert_never(trade)

    def _each(
        self, orders: Sequence[One], carry_out: Callable[[One], Structure], *, is_list: bool
    ) -> object:
        """One after the other; in a list what is refused says so, unless all of it is."""
        if not is_list:
            return carry_out(orders[0])
        made: list[Structure] = []
        refusals: list[OmsError] = []
        for order in orders:
            try:
                made.append(carry_out(order))
            except (RequestFailed, Invalid) as wrong:
                refusals.append(wrong)
                made.append(rejected_order_structure(order.symbol, wrong.code, wrong.message))
        if refusals and len(refusals) == len(orders):
            raise refusals[0]
        return made

    def _create(self, told: asked.CreateRequest) -> Structure:
        instrument = self._instrument(told.symbol)
        self._look(told.symbol)
        market = self.engine.market(told.symbol, self.now)
        request = parse_order(told, instrument, market, self.now)
        first = request.first if isinstance(request, NewOrderPair) else request
        self._check_new(first, instrument)
        step = self._ask(request)
        return self._made(step, first.client_id)

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

    def _edit(self, told: asked.EditRequest) -> Structure:
        order = self._open(told.name, told.symbol, is_client_id=told.is_client_id)
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
        return self._told(self._ask(change), order.exchange_order_id)

    def _cancel(self, told: asked.CancelRequest) -> Structure:
        order = self._open(told.name, told.symbol, is_client_id=told.is_client_id)
        return self._canceled(order)

    def _canceled(self, order: PaperOrder) -> Structure:
        cancel = CancelOrder(
            client_id=order.client_id,
            exchange_order_id=order.exchange_order_id,
            symbol=order.symbol,
            at=self.now,
        )
        return self._told(self._ask(cancel), order.exchange_order_id)

    def _cancel_all(self, told: asked.CancelAllRequest) -> list[Structure]:
        if told.symbol is not None:
            self._look(self._instrument(told.symbol).symbol)
        found = [order for order in self._held() if told.symbol in (None, order.symbol)]
        canceled: list[Structure] = []
        for order in sorted(found, key=lambda order: order.number):
            state = self.engine.state
            if state.order(order.symbol, order.exchange_order_id) is not None:
                canceled.append(self._canceled(order))
            else:
                canceled.append(self._ended_with_another(order))
        return canceled

    def _ended_with_another(self, order: PaperOrder) -> Structure:
        """An order that ended because its sibling was canceled."""
        name = order.exchange_order_id
        for step in reversed(self.steps):
            for event in step.events:
                if isinstance(event, Canceled) and event.order.exchange_order_id == name:
                    return self._told(step, name)
        raise AssertionError(f"order {name} ended untold")

    def _close(self, told: asked.CloseRequest) -> object:
        positions = [
            position
            for (symbol, _), position in sorted(self.engine.state.positions.items())
            if told.symbol in (None, symbol) and told.side in (None, _side(position))
        ]
        if told.symbol is None:
            return [self._closed(position, told) for position in positions]
        self._instrument(told.symbol)
        if len(positions) > 1:
            raise Invalid("both sides are held; the side to close is needed")
        if not positions:
            message = f"no such position in {told.symbol} is open"
            raise RequestFailed(_said_no("exchange_rejected", message))
        return self._closed(positions[0], told)

    def _closed(self, position: PaperPosition, told: asked.CloseRequest) -> Structure:
        self._look(position.symbol)
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
        return self._made(self._ask(place), place.client_id)

    def _set(self, told: asked.SettingRequest) -> Structure:
        if told.func == "set_position_mode":
            return self._keep_mode(told.value)
        if told.symbol is None:
            raise Invalid(f"{told.func} needs a symbol")
        instrument = self._instrument(told.symbol)
        if told.func == "set_leverage":
            value = asked.positive_number("leverage", told.value)
            if value is None or value != value.to_integral_value():
                raise Invalid("leverage: a whole number is expected")
            self._ask(SetLeverage(symbol=told.symbol, leverage=int(value), at=self.now))
            return leverage(self.engine.state, self.engine.settings, instrument)
        word = told.value.lower() if isinstance(told.value, str) else ""
        if word not in MarginMode.__members__.values():
            raise Invalid("marginMode: cross or isolated is expected")
        self._ask(SetMarginMode(symbol=told.symbol, mode=MarginMode(word), at=self.now))
        return margin_mode(self.engine.state, self.engine.settings, instrument)

    def _keep_mode(self, hedged: object) -> Structure:
        if not isinstance(hedged, bool):
            raise Invalid("hedged: true or false is expected")
        if hedged is not self.engine.settings.hedge:
            message = "the position mode of a paper account is part of its settings"
            raise RequestFailed(_said_no("position_mode_mismatch", message))
        return {"info": {}, "hedged": hedged}

    def _ask(self, request: Input) -> StepResult:
        """Carry a request out. Raises ``NotDone`` where the exchange says no."""
        step = self.engine.step(request, at_once=True)
        self.steps.append(step)
        match step.answer.outcome:
            case ReplyOutcome.LOST:
                message = "the answer of the exchange was lost; look the order up"
                raise RequestFailed(
                    Refused(code="outcome_unknown", message=message, outcome="unknown")
                )
            case ReplyOutcome.OVERLOADED:
                message = "the exchange asks for a pause and has not looked at the request"
                raise RequestFailed(_said_no("exchange_rate_limited", message))
        names = _names(request)
        for event in step.events:
            if isinstance(event, Rejected) and event.client_id in names:
                code = _CODES.get(event.code, event.code)
                raise RequestFailed(_said_no(code, event.message))
        return step

    def _made(self, step: StepResult, client_id: str) -> Structure:
        """The order that the step made."""
        named = (
            event.order.exchange_order_id
            for event in step.events
            if isinstance(event, Accepted) and event.order.client_id == client_id
        )
        return self._told(step, next(named))

    def _told(self, step: StepResult, name: str) -> Structure:
        """The order as it is after the step, with what it executed there."""
        told: PaperOrderEvent | None = None
        trades: list[PaperTrade] = []
        later: list[PaperTrade] = []
        for event in step.events:
            if isinstance(event, _ABOUT_ORDERS) and event.order.exchange_order_id == name:
                told, later = event, []
            elif isinstance(event, Filled) and event.trade.exchange_order_id == name:
                trades.append(event.trade)
                later.append(event.trade)
        assert told is not None, "what is not refused is told"
        settings, order = self.engine.settings, told.order
        structure = request_result_structure(order, later, settings, _status(told, step.state))
        if len(later) == len(trades):
            return structure
        whole = request_result_structure(order, trades, settings, "")
        return structure | {key: whole[key] for key in ("trades", "fee", "fees")}

    def _open(self, name: str, symbol: str | None, *, is_client_id: bool) -> PaperOrder:
        """An open order. Raises ``NotDone`` where there is none of that name."""
        if symbol is not None:
            self._look(self._instrument(symbol).symbol)
        for order in self._held():
            mine = order.client_id if is_client_id else order.exchange_order_id
            wished = encode_client_order_id(name) if is_client_id else name
            if mine == wished and symbol in (None, order.symbol):
                return order
        message = f"no order {name!r} is open"
        raise RequestFailed(_said_no("order_not_found", message))

    def _held(self) -> list[PaperOrder]:
        return [each for held in self.engine.state.orders.values() for each in held.values()]

    def _look(self, symbol: str) -> None:
        self.steps += self.engine.look(symbol, self.now)

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


def _said_no(code: str, message: str) -> Refused:
    return Refused(code=code, message=message, outcome="rejected")


def _side(position: PaperPosition) -> Side:
    return Side.BUY if position.qty > 0 else Side.SELL


def _trigger_of(params: asked.Params) -> object:
    for name in ("triggerPrice", "trigger_price", "stopPrice", "stop_price", "stopLossPrice"):
        if params.get(name) is not None:
            return params[name]
    return params.get("takeProfitPrice")
