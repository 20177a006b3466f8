"""Markets that are closed: entries are refused, orders that reduce at once wait for the open.

Only paper accounts trade instruments with sessions; the others, and accounts without stocks, are
not asked.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from oms.domain.commands.command import (
    ClosePosition,
    Command,
    CommandResult,
    CommandStatus,
    SendOrder,
)
from oms.domain.errors import Refused
from oms.domain.market_hours import MarketHours, UnknownHours
from oms.domain.risk.admission import ApprovedOrder
from oms.domain.value import evolve
from oms.ports.ids import IdBlocks
from oms.services.account_state.follow_ups import add_follow_up
from oms.services.account_state.state import AccountState
from oms.wire.json import time_text

MARKET_CLOSED = "market_closed"
CALENDAR_AHEAD = timedelta(days=60)
"""How far a trading calendar has to reach."""

_AT_ONCE = ("IOC", "FOK")


def has_sessions(state: AccountState) -> bool:
    """Return whether the account trades instruments that are not always open."""
    return bool(state.account.paper.stocks) and state.paper is not None


class CalendarHealth(StrEnum):
    """Whether the trading calendar knows the sessions to come."""

    OK = "ok"
    #: It does not reach ``CALENDAR_AHEAD``.
    ENDS_SOON = "ends_soon"
    #: There is none, or it has ended: entries are refused.
    MISSING = "missing"


def calendar_health(states: Iterable[AccountState], now: datetime) -> CalendarHealth | None:
    """Return the health of the calendar of the accounts; ``None`` if none trades stocks."""
    state = next(filter(has_sessions, states), None)
    if state is None:
        return None
    symbol = state.account.paper.stocks[0]
    try:
        _hours(state, symbol, now)
    except UnknownHours:
        return CalendarHealth.MISSING
    try:
        _hours(state, symbol, now + CALENDAR_AHEAD)
    except UnknownHours:
        return CalendarHealth.ENDS_SOON
    return CalendarHealth.OK


def refuse_closed_market(state: AccountState, symbol: str, now: datetime) -> Refused | None:
    """Return the refusal of entries while the market of the symbol is closed."""
    if not has_sessions(state):
        return None
    try:
        hours = _hours(state, symbol, now)
    except UnknownHours as unknown:
        return Refused(
            code="risk_blocked", reason="risk_error", message=unknown.message, set_by="calendar"
        )
    if hours is None or hours.is_open:
        return None
    next_open = time_text(hours.next_open)
    return Refused(
        code="risk_blocked",
        reason=MARKET_CLOSED,
        message=f"the market of {symbol} is closed until {next_open}",
        set_by="calendar",
        facts={"next_open": next_open},
    )


def with_session_expiry(state: AccountState, request: SendOrder, now: datetime) -> SendOrder:
    """Return a GTD order without an expiry as one that expires at the next close of its market.

    Where the hours are unknown it stays as it is, and is refused.
    """
    if request.time_in_force != "GTD" or request.expires_at is not None:
        return request
    try:
        hours = _hours(state, request.symbol, now)
    except UnknownHours:
        return request
    return request if hours is None else evolve(request, expires_at=hours.next_close)


async def defer_to_open(
    state: AccountState,
    ids: IdBlocks,
    command: Command,
    payload: SendOrder | ClosePosition,
    approved: ApprovedOrder | Refused,
    now: datetime,
) -> CommandResult | None:
    """Store an order again that waits for the open, to be checked again then.

    That is what reduces at the market, and entries whose ``session_policy`` says so. Returns the
    result that names the command stored for it, which acts with the rights of the first; ``None``
    if nothing has to wait.
    """
    if isinstance(approved, Refused):
        is_queued = isinstance(payload, SendOrder) and payload.session_policy is not None
        if not is_queued or approved.reason != MARKET_CLOSED:
            return None
    elif not approved.reduce_only or not (
        approved.order_type == "market" or payload.time_in_force in _AT_ONCE
    ):
        return None
    symbol = payload.symbol if isinstance(payload, SendOrder) else _symbol_of(state, payload)
    try:
        hours = _hours(state, symbol, now)
    except UnknownHours:
        return None  # The exchange has no price then, and rejects it.
    if hours is None or hours.is_open:
        return None
    position_id = payload.position_id if isinstance(payload, ClosePosition) else 0
    deferred_id = await add_follow_up(
        state,
        ids,
        f"session:{command.id}:{position_id}",
        payload,
        now,
        actor=command.actor,
        hold_until=hours.next_open,
    )
    return CommandResult(status=CommandStatus.DONE, deferred_command_id=deferred_id)


def _symbol_of(state: AccountState, payload: ClosePosition) -> str:
    return state.positions[payload.position_id].symbol


def _hours(state: AccountState, symbol: str, now: datetime) -> MarketHours | None:
    assert state.paper is not None, "only paper accounts have sessions"
    return state.paper.market_hours(symbol, now)
