"""What may be tried at an exchange that cannot be reached or read: what needs nothing of it, and
the ways out of the market. What would open, change or ask is refused.
"""

from oms.domain.commands.account_commands import (
    EnforceKillSwitch,
    ReadConnection,
    Resolution,
    ResolveUnknownOrder,
    RiskSwitch,
)
from oms.domain.commands.command import (
    CancelAllOrders,
    CancelOrder,
    ChangePosition,
    CloseAllPositions,
    ClosePosition,
    CommandPayload,
    SendOrder,
)
from oms.domain.errors import Refused
from oms.services.account_state.state import AccountState

_LOCAL = (RiskSwitch, EnforceKillSwitch, ChangePosition, ReadConnection)
_OUT = (CancelOrder, CancelAllOrders, ClosePosition, CloseAllPositions)


def refuse_if_unreachable(state: AccountState, payload: CommandPayload) -> Refused | None:
    """Why it is not tried now."""
    if _is_local(payload):
        return None
    unavailable_reason = state.exchange.unavailable_reason()
    if unavailable_reason is None or (
        _is_degraded(state, unavailable_reason) and _leads_out(payload)
    ):
        return None
    return unavailable_reason


def _is_local(payload: CommandPayload) -> bool:
    """Whether nothing is needed of the exchange."""
    declares = (
        isinstance(payload, ResolveUnknownOrder) and payload.action is Resolution.DECLARE_NOT_PLACED
    )
    return declares or isinstance(payload, _LOCAL)


def _is_degraded(state: AccountState, unavailable_reason: Refused) -> bool:
    """Whether it was reached before, and lets us in: what it trades is known."""
    return unavailable_reason.code == "exchange_unavailable" and state.exchange.is_ready()


def _leads_out(payload: CommandPayload) -> bool:
    return isinstance(payload, _OUT) or (isinstance(payload, SendOrder) and payload.reduce_only)
