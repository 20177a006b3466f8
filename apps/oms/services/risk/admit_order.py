"""Admission of a request to place or close: rounded, and checked by everything that rules it.

The worker's commands and its previews ask here, so that both have the same verdict.
"""

from collections.abc import Mapping
from datetime import datetime

from oms.domain.account import Engine, PositionMode
from oms.domain.commands.command import ChangeOrder, ClosePosition, SendOrder
from oms.domain.errors import Refused
from oms.domain.ledger.position import Position
from oms.domain.orders.bracket import refuse_bracket, resolve_bracket
from oms.domain.orders.order import Order, Side
from oms.domain.orders.order_rounding import (
    is_rounding_refused,
    round_change_order,
    round_close_position,
    round_send_order,
    with_percent_quantity,
)
from oms.domain.risk.account_switches import refuse_account
from oms.domain.risk.admission import (
    ApprovedOrder,
    RiskContext,
    admit_change,
    admit_close,
    admit_send,
    refuse_unknown_symbol,
)
from oms.domain.risk.judgement import Judgement
from oms.domain.risk.kill_switch import KillSwitch
from oms.domain.risk.raw_params import unjudged_param
from oms.domain.value import constructor
from oms.services.account_state.state import AccountState
from oms.services.commands.policy_limits import refuse_change, within_policy
from oms.services.protection.entry_levels import check_entry_levels
from oms.services.risk.market_session import refuse_closed_market, with_session_expiry

_make_context = constructor(RiskContext)


def refuse_delisted(state: AccountState, symbol: str) -> Refused | None:
    """Return the refusal of orders in a symbol that the exchange does not list, or no more."""
    instruments = state.exchange.instruments()
    if symbol in instruments:
        return None
    return refuse_unknown_symbol(symbol, instruments, state.account.exchange_id)


def rounded_request(
    state: AccountState, payload: SendOrder | ClosePosition, now: datetime
) -> SendOrder | ClosePosition:
    """Return the request with prices and quantity rounded as the exchange accepts them."""
    instruments = state.exchange.instruments()
    if isinstance(payload, SendOrder):
        if state.account.paper.stocks:
            payload = with_session_expiry(state, payload, now)
        if payload.bracket is not None:
            payload = _with_exits(state, payload)
        return (
            round_send_order(payload, instruments[payload.symbol])
            if payload.symbol in instruments
            else payload
        )
    position = state.positions.get(payload.position_id)
    if position is None or position.symbol not in instruments:
        return payload
    side = Side.SELL if position.qty > 0 else Side.BUY
    instrument = instruments[position.symbol]
    payload = with_percent_quantity(payload, position.qty.copy_abs(), instrument)
    return round_close_position(payload, side, instrument)


def _with_exits(state: AccountState, request: SendOrder) -> SendOrder:
    """Return the request with its bracket as exits that the exchange attaches, or as levels.

    Tickets of a hedge account are not positions at an exchange, so they have levels.
    """
    is_one = state.paper is not None or state.account.position_mode is PositionMode.NETTING
    is_attachable = is_one and state.exchange.attaches_exits(request.symbol)
    return resolve_bracket(request, is_attachable=is_attachable)


async def admit_request(
    state: AccountState,
    request: SendOrder,
    api_key_id: int,
    now: datetime,
    judgement: Judgement | None = None,
) -> ApprovedOrder | Refused:
    """Check a rounded request by everything but the limits of the API key.

    What limits were checked is kept in ``judgement``.
    """
    if request.bracket is not None and (refused := refuse_bracket(request)) is not None:
        return refused
    approved = _check_send(state, request, api_key_id, now)
    approved = check_entry_levels(state, request, approved, now)
    if request.params and not isinstance(approved, Refused):
        is_exempt, strategy_id = approved.reduce_only, approved.strategy_id
        kill_switch = state.kill_switch_for(request.symbol, strategy_id, api_key_id)
        refused = refuse_raw_params(
            state, request.params, kill_switch, strategy_id, is_exempt=is_exempt
        )
        approved = approved if refused is None else refused
    if state.policy is None:
        return approved
    return await within_policy(state.policy, state, request, approved, now, judgement)


def admit_closing(
    state: AccountState,
    request: ClosePosition,
    position: Position,
    kill_switch: KillSwitch | None,
    now: datetime,
) -> ApprovedOrder | Refused:
    """Check a rounded request to close an open position."""
    approved = admit_close(
        request, position, risk_context(state, position.symbol, kill_switch, now)
    )
    if not request.params or isinstance(approved, Refused):
        return approved
    strategy_id = approved.strategy_id
    refused = refuse_raw_params(state, request.params, kill_switch, strategy_id, is_exempt=True)
    return approved if refused is None else refused


async def admit_changing(
    state: AccountState,
    request: ChangeOrder,
    order: Order,
    api_key_id: int,
    now: datetime,
    judgement: Judgement | None = None,
) -> tuple[ChangeOrder, Refused | None]:
    """Round a change of price or quantity, and check it as ``admit_request`` checks an order."""
    context = RiskContext(
        account=state.account,
        instrument=state.exchange.instruments()[order.symbol],
        positions=state.positions_in(order.symbol),
        orders=state.orders_in(order.symbol),
        strategy_ids=state.strategy_ids,
        kill_switch=state.kill_switch_for(order.symbol, order.strategy_id, api_key_id),
        policy=state.policy,
    )
    if not is_rounding_refused(order.params):
        request = round_change_order(request, order, context.instrument)
    refused = admit_change(request, order, context)
    if refused is None and state.policy is not None:
        refused = await refuse_change(state.policy, state, request, order, now, judgement)
    return request, refused


def _check_send(
    state: AccountState, payload: SendOrder, api_key_id: int, now: datetime
) -> ApprovedOrder | Refused:
    instruments = state.exchange.instruments()
    if payload.symbol not in instruments:
        return refuse_unknown_symbol(payload.symbol, instruments, state.account.exchange_id)
    kill_switch = state.kill_switch_for(payload.symbol, payload.strategy_id, api_key_id)
    return admit_send(payload, risk_context(state, payload.symbol, kill_switch, now))


def risk_context(
    state: AccountState, symbol: str, kill_switch: KillSwitch | None, now: datetime
) -> RiskContext:
    """Return what admission checks against: one symbol of the account."""
    quote = state.admission_quote = state.exchange.quote(symbol, now)
    state.admitted_at = now
    return _make_context(
        account=state.account,
        instrument=state.exchange.instruments()[symbol],
        positions=state.positions_in(symbol),
        orders=state.orders_in(symbol),
        strategy_ids=state.strategy_ids,
        price=None if quote is None else quote.ask,
        kill_switch=kill_switch,
        policy=state.policy,
        closed_market=refuse_closed_market(state, symbol, now),
    )


def refuse_raw_params(
    state: AccountState,
    params: Mapping[str, object],
    kill_switch: KillSwitch | None,
    strategy_id: int,
    *,
    is_exempt: bool,
) -> Refused | None:
    """Refuse parameters that may change what an exchange trades, where anything restricts it.

    A paper exchange reads none of them.
    """
    if state.account.engine is Engine.PAPER:
        return None
    name = unjudged_param(params, is_exempt=is_exempt)
    if name is None:
        return None
    policy = state.policy
    is_ruled = policy is not None and policy.applies_to(strategy_id)
    if not is_ruled and refuse_account(state.account, kill_switch, policy, strategy_id) is None:
        return None
    message = f"params.{name[:64]} may change what the order trades, which limits rule"
    return Refused(code="risk_blocked", reason="risk_error", message=message, set_by="account")
