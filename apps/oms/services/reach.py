"""What may be tried at an exchange that cannot be reached or read: what needs nothing of it, and
the ways out of the market. What would open, change or ask is refused.
"""

from oms.domain.command import (
    CancelAllOrders,
    CancelOrder,
    CloseAll,
    ClosePosition,
    Payload,
    PositionChange,
    SendOrder,
)
from oms.domain.control import Kill, ReadConnection, Resolution, Resolve, RiskSwitch
from oms.domain.errors import Refused
from oms.services.home import Home

_LOCAL = (RiskSwitch, Kill, PositionChange, ReadConnection)
_OUT = (CancelOrder, CancelAllOrders, ClosePosition, CloseAll)


def refuse_unreached(home: Home, payload: Payload) -> Refused | None:
    """Why it is not tried now."""
    if _is_local(payload):
        return None
    trouble = home.exchange.trouble()
    if trouble is None or (_is_degraded(home, trouble) and _leads_out(payload)):
        return None
    return trouble


def _is_local(payload: Payload) -> bool:
    """Whether nothing is needed of the exchange."""
    declares = isinstance(payload, Resolve) and payload.action is Resolution.DECLARE_NOT_PLACED
    return declares or isinstance(payload, _LOCAL)


def _is_degraded(home: Home, trouble: Refused) -> bool:
    """Whether it was reached before, and lets us in: what it trades is known."""
    return trouble.code == "exchange_unavailable" and home.exchange.is_ready()


def _leads_out(payload: Payload) -> bool:
    return isinstance(payload, _OUT) or (isinstance(payload, SendOrder) and payload.reduce_only)
