"""Alpaca: crypto orders. ccxt lists no stocks."""

from collections.abc import Mapping
from typing import Any

from oms.adapters.ccxt.venues.key_query import KeyPermissions, KeyQuery, account_id_text
from oms.adapters.ccxt.venues.order_status import StatusTable
from oms.adapters.ccxt.venues.profile import SPOT_ONLY, VenueProfile
from oms.adapters.ccxt.venues.venue_errors import CodeMeaning, ErrorTable, by_code
from oms.domain.instrument import InstrumentKind
from oms.domain.orders.order_types import TRIGGERED_TYPES

_ERRORS = ErrorTable(
    codes=by_code(
        (CodeMeaning.ORDER_NOT_FOUND, "40410000"),
        (CodeMeaning.AUTH_FAILED, "40110000"),
        (CodeMeaning.RATE_LIMITED, "42910000"),
    ),
    # One code has many meanings.
    messages={
        "40010001": (("must be unique", CodeMeaning.DUPLICATE_CLIENT_ID),),
        "40310000": (
            ("cost basis must be", CodeMeaning.NOTIONAL),
            ("insufficient", CodeMeaning.INSUFFICIENT_FUNDS),
            ("rejected by user request", CodeMeaning.NO_PERMISSION),
        ),
        # It cannot be canceled: its state is looked up.
        "42210000": (("order is already in", CodeMeaning.ORDER_NOT_FOUND),),
    },
)
_STATUSES = StatusTable(
    open="pending_new accepted accepted_for_bidding new partially_filled activated done_for_day"
    " stopped suspended held pending_replace pending_cancel",
    filled="filled",
    canceled="canceled replaced",
    expired="expired",
    rejected="rejected",
)


def _parse_account(payload: Any) -> KeyPermissions:
    is_blocked = payload["trading_blocked"] or payload["account_blocked"]
    return KeyPermissions(trades=not is_blocked, owner=account_id_text(payload.get("id")))


PROFILES: Mapping[str, VenueProfile] = {
    "alpaca": VenueProfile(
        key_query=KeyQuery(
            method="trader_private_get_v2_account",
            parse=_parse_account,
            environments=frozenset({"live", "testnet"}),
        ),
        errors=_ERRORS,
        trades_page=100,
        orders_page=500,
        open_orders_need_limit=True,
        closed_order_methods=("fetch_closed_orders",),
        # Executions start with the newest one by default, orders since a time with the oldest.
        list_params={"fetch_my_trades": {"direction": "asc"}},
        # A stop limit is in the list of all orders, under the id that it keeps.
        unsupported_types={InstrumentKind.SPOT: TRIGGERED_TYPES - {"stop_limit"}},
        one_cancel_kinds=SPOT_ONLY,
        unsupported_time_in_force={InstrumentKind.SPOT: frozenset({"FOK", "PO"})},
        reports_makers=False,
        parse_state=_STATUSES.parse_state,
        trades_have_ids=True,
        is_recorded=True,
    )
}
