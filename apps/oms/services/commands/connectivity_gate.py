"""Which commands are accepted while the exchange is unreachable.

Accepted are commands that need nothing of the exchange, and commands that reduce exposure. Commands
that open, change or query are refused.
"""

from oms.domain.commands.account_commands import (
    READ_PAYLOADS,
    DeleteAlert,
    EnforceKillSwitch,
    ResetDrawdown,
    Resolution,
    ResolveUnknownOrder,
    RiskSwitch,
    SetRiskPolicy,
)
from oms.domain.commands.command import (
    BreakEven,
    CancelAllOrders,
    CancelOrder,
    ChangePosition,
    CloseAllPositions,
    ClosePosition,
    CommandPayload,
    SendOrder,
)
from oms.domain.errors import Refused
from oms.domain.signals.signal import ExecuteSignal
from oms.services.account_state.state import AccountState

_LOCAL_PAYLOADS = (
    *(RiskSwitch, SetRiskPolicy, ResetDrawdown, EnforceKillSwitch, DeleteAlert),
    *(ChangePosition, BreakEven),
    ExecuteSignal,  # Its legs are checked.
    *READ_PAYLOADS,
)
_REDUCING_PAYLOADS = (CancelOrder, CancelAllOrders, ClosePosition, CloseAllPositions)


def refuse_if_unreachable(state: AccountState, payload: CommandPayload) -> Refused | None:
    """Return why the command cannot be executed now, or ``None``."""
    unavailable_reason = state.exchange.unavailable_reason()
    if unavailable_reason is None or _is_local(payload):
        return None
    if _is_degraded(state, unavailable_reason) and _reduces_exposure(payload):
        return None
    return unavailable_reason


def _is_local(payload: CommandPayload) -> bool:
    """Return whether the command needs nothing of the exchange."""
    is_declaration = (
        isinstance(payload, ResolveUnknownOrder) and payload.action is Resolution.DECLARE_NOT_PLACED
    )
    return is_declaration or isinstance(payload, _LOCAL_PAYLOADS)


def _is_degraded(state: AccountState, unavailable_reason: Refused) -> bool:
    """Return whether the exchange was reached before, so that its instruments are known."""
    return unavailable_reason.code == "exchange_unavailable" and state.exchange.is_ready()


def _reduces_exposure(payload: CommandPayload) -> bool:
    return isinstance(payload, _REDUCING_PAYLOADS) or (
        isinstance(payload, SendOrder) and payload.reduce_only
    )
