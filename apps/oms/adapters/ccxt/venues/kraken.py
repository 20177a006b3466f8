"""Kraken spot."""

from collections.abc import Mapping

from oms.adapters.ccxt.venues.order_status import Info, StatusTable, VenueState, info_text
from oms.adapters.ccxt.venues.profile import ALL_KINDS, VenueProfile
from oms.adapters.ccxt.venues.venue_errors import (
    AUTH_FAILED,
    CLOCK,
    INSUFFICIENT_FUNDS,
    MARKET_CLOSED,
    NO_PERMISSION,
    NOTIONAL,
    ORDER_NOT_FOUND,
    RATE_LIMITED,
    UNKNOWN_OUTCOME,
    ErrorTable,
)

#: Codes are texts. ccxt reads an unknown order as an invalid one.
_ERRORS = ErrorTable(
    codes={
        "EOrder:Insufficient funds": INSUFFICIENT_FUNDS,
        "EOrder:Order minimum not met": NOTIONAL,
        "EOrder:Unknown order": ORDER_NOT_FOUND,
        "EAPI:Invalid key": AUTH_FAILED,
        "ESession:Invalid session": AUTH_FAILED,
        "EGeneral:Permission denied": NO_PERMISSION,
        "EAPI:Rate limit exceeded": RATE_LIMITED,
        "EOrder:Rate limit exceeded": RATE_LIMITED,
        "EGeneral:Temporary lockout": RATE_LIMITED,
        "EGeneral:Too many requests": RATE_LIMITED,
        "EAPI:Invalid nonce": CLOCK,
        "EService:Market in post_only mode": MARKET_CLOSED,
        "EService:Market in cancel_only mode": MARKET_CLOSED,
        "EService:Unavailable": UNKNOWN_OUTCOME,
        "EService:Busy": UNKNOWN_OUTCOME,
        "EGeneral:Internal error": UNKNOWN_OUTCOME,
        "EDatabase:Internal error": UNKNOWN_OUTCOME,
    },
    success=("error", frozenset({"[]"})),
)
_STATUSES = StatusTable(
    open="pending open new pending_new partially_filled",
    filled="closed filled",
    canceled="canceled",
    expired="expired",
)


def _parse_state(info: Info) -> VenueState | None:
    raw = info_text(info, "status")
    return None if raw is None else VenueState(status=_STATUSES.find(raw), raw=raw)


PROFILES: Mapping[str, VenueProfile] = {
    "kraken": VenueProfile(
        errors=_ERRORS,
        trades_page=50,
        closed_page=50,
        orders_page=1000,
        closed_order_methods=("fetch_closed_orders",),
        offset_param="ofs",
        unsupported_trigger_kinds=ALL_KINDS,
        amend_kinds=ALL_KINDS,
        parse_state=_parse_state,
        is_recorded=True,
    )
}
