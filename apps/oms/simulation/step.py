"""The step function of the paper exchange: from state and input to new state and events.

A rejected request leaves the state unchanged. An arriving order is matched against the book within
its limit and rests with the remainder; a resting order is filled as maker at its own price when the
market reaches it. ``invariants`` hold after every step.
"""

from typing import assert_never

from oms.simulation.account.account_requests import (
    deposit,
    reset,
    set_leverage,
    set_margin_mode,
    withdraw,
)
from oms.simulation.account.funding import apply_funding_rate, settle_funding
from oms.simulation.account.liquidation import liquidate
from oms.simulation.events import Rejected
from oms.simulation.inputs import (
    AccountRequest,
    BookUpdate,
    CancelOrder,
    CandleClosed,
    ChangeOrder,
    Deposit,
    FundingRateUpdate,
    Input,
    MarkPriceUpdate,
    NewOrder,
    NewOrderPair,
    OrderRequest,
    QueryOrder,
    QuoteUpdate,
    Reset,
    SetLeverage,
    SetMarginMode,
    TimeUpdate,
    TradeTick,
    Withdraw,
)
from oms.simulation.invariants import check_step
from oms.simulation.market.candle_fills import apply_candle
from oms.simulation.market.market_updates import (
    apply_mark_price,
    apply_market_data,
    apply_trade_tick,
)
from oms.simulation.orders.admission import Rejection
from oms.simulation.orders.attached_exits import update_attached_exits
from oms.simulation.orders.order_entry import (
    cancel_order,
    change_order,
    expire_orders,
    place_order,
    place_order_pair,
)
from oms.simulation.settings import SimulationSettings
from oms.simulation.state.exchange_state import ExchangeState
from oms.simulation.state.step_state import StepState
from oms.simulation.step_result import StateChanges, StepResult
from oms.simulation.transport.latency import is_immediate, step_with_latency


def step(state: ExchangeState, input: Input, settings: SimulationSettings) -> StepResult:
    """Returns the result of ``input``; ``state`` itself is not changed.

    The symbol of an input must be one of ``settings.instruments``. An input older than the clock of
    the state is processed at the time of that clock. Raises ``InvariantBroken`` on a bug.
    """
    if settings.latency is None and is_immediate(state, input):
        return _process_arrived(state, input, settings)
    return step_with_latency(state, input, settings, _process_arrived)


def _process_arrived(
    state: ExchangeState, input: Input, settings: SimulationSettings
) -> StepResult:
    """Processes an input that has arrived at the exchange."""
    step_state = StepState(state, settings, input.at)
    if state.next_funding_at is not None and state.next_funding_at <= step_state.at:
        settle_funding(step_state, input)
    rejection = _dispatch(step_state, input)
    if rejection is not None:
        assert isinstance(input, (OrderRequest, AccountRequest))
        return _rejected(state, input, rejection)
    if step_state.filled_parents or (
        step_state.orders_with_terms and step_state.trades_made != state.trades_made
    ):
        update_attached_exits(step_state)
    if (
        (step_state.positions or step_state.settled_currencies)
        and liquidate(step_state)
        and step_state.orders_with_terms
    ):
        update_attached_exits(step_state)
    if step_state.events or step_state.touched_orders or step_state.touched_positions:
        check_step(step_state)
    return step_state.freeze()


def _dispatch(step_state: StepState, input: Input) -> Rejection | None:
    match input:
        case NewOrder():
            return place_order(step_state, input)
        case QuoteUpdate() | BookUpdate():
            apply_market_data(step_state, input)
        case ChangeOrder():
            return change_order(step_state, input)
        case CancelOrder():
            return cancel_order(step_state, input)
        case NewOrderPair():
            return place_order_pair(step_state, input)
        case TradeTick():
            apply_trade_tick(step_state, input)
        case MarkPriceUpdate():
            apply_mark_price(step_state, input)
        case CandleClosed():
            apply_candle(step_state, input)
        case TimeUpdate() | QueryOrder():
            expire_orders(step_state)
        case FundingRateUpdate():
            apply_funding_rate(step_state, input)
        case Deposit():
            deposit(step_state, input)
        case Withdraw():
            return withdraw(step_state, input)
        case Reset():
            reset(step_state, input)
        case SetLeverage():
            return set_leverage(step_state, input)
        case SetMarginMode():
            return set_margin_mode(step_state, input)
        case _:
            assert_never(input)
    return None


def _rejected(
    state: ExchangeState, request: OrderRequest | AccountRequest, rejection: Rejection
) -> StepResult:
    """Returns a result with the unchanged state and one rejection for each order of the request."""
    match request:
        case NewOrderPair(first=first, second=second):
            names = [first.client_id, second.client_id]
        case _:
            names = [request.client_id]
    events = tuple(
        Rejected(client_id=n, code=rejection.code, message=rejection.message) for n in names
    )
    return StepResult(state=state, events=events, delivered=events, changes=StateChanges())
