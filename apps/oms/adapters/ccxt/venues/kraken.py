"""Kraken spot."""

from collections.abc import Mapping

from oms.adapters.ccxt.venues.order_status import StatusTable
from oms.adapters.ccxt.venues.profile import ALL_KINDS, CancelTimer, VenueProfile
from oms.adapters.ccxt.venues.venue_errors import CodeMeaning, ErrorTable

#: Codes are texts. ccxt reads an unknown order as an invalid one.
_ERRORS = ErrorTable(
    codes={
        "EOrder:Insufficient funds": CodeMeaning.INSUFFICIENT_FUNDS,
        "EOrder:Order minimum not met": CodeMeaning.NOTIONAL,
        "EOrder:Unknown order": CodeMeaning.ORDER_NOT_FOUND,
        "EAPI:Invalid key": CodeMeaning.AUTH_FAILED,
        "ESession:Invalid session": CodeMeaning.AUTH_FAILED,
        "EGeneral:Permission denied": CodeMeaning.NO_PERMISSION,
        "EAPI:Rate limit exceeded": CodeMeaning.RATE_LIMITED,
        "EOrder:Rate limit exceeded": CodeMeaning.RATE_LIMITED,
        "EGeneral:Temporary lockout": CodeMeaning.RATE_LIMITED,
        "EGeneral:Too many requests": CodeMeaning.RATE_LIMITED,
        "EAPI:Invalid nonce": CodeMeaning.CLOCK,
        "EService:Market in post_only mode": CodeMeaning.MARKET_CLOSED,
        "EService:Market in cancel_only mode": CodeMeaning.MARKET_CLOSED,
        "EService:Unavailable": CodeMeaning.UNKNOWN_OUTCOME,
        "EService:Busy": CodeMeaning.UNKNOWN_OUTCOME,
        "EGeneral:Internal error": CodeMeaning.UNKNOWN_OUTCOME,
        "EDatabase:Internal error": CodeMeaning.UNKNOWN_OUTCOME,
    },
    success=("error", frozenset({"[]"})),
)
_STATUSES = StatusTable(
    open="pending open new pending_new partially_filled",
    filled="closed filled",
    canceled="canceled",
    expired="expired",
)


PROFILES: Mapping[str, VenueProfile] = {
    "kraken": VenueProfile(
        errors=_ERRORS,
        trades_page=50,
        closed_page=50,
        orders_page=1000,
        closed_order_methods=("fetch_closed_orders",),
        offset_param="ofs",
        amend_kinds=ALL_KINDS,
        # Stops are in the list of all orders, under the id that they keep.
        has_typed_triggers=True,
        trigger_price_fields=("stopLossPrice", "takeProfitPrice"),
        one_cancel_kinds=ALL_KINDS,
        # Documented up to a day; shorter ones than ten seconds would end between two requests.
        cancel_timer=CancelTimer(seconds=range(10, 86_400)),
        parse_state=_STATUSES.parse_state,
        is_recorded=True,
    )
}
