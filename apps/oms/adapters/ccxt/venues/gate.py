"""Gate, and its European exchange."""

from collections.abc import Mapping

from oms.adapters.ccxt.venues.order_status import Info, StatusTable, VenueState, info_text
from oms.adapters.ccxt.venues.profile import ALL_KINDS, SPOT_ONLY, TRIGGER_PARAMS, VenueProfile
from oms.adapters.ccxt.venues.trigger_tag import TriggerTag
from oms.adapters.ccxt.venues.venue_errors import CodeMeaning, ErrorTable, by_code
from oms.domain.instrument import InstrumentKind
from oms.domain.value import evolve

_ERRORS = ErrorTable(
    codes=by_code(
        (
            CodeMeaning.INSUFFICIENT_FUNDS,
            "BALANCE_NOT_ENOUGH FUTURES_BALANCE_NOT_ENOUGH MARGIN_BALANCE_NOT_ENOUGH"
            " INSUFFICIENT_AVAILABLE",
        ),
        (
            CodeMeaning.PRICE_BAND,
            "PRICE_TOO_DEVIATED PRICE_OVER_LIQUIDATION PRICE_OVER_BANKRUPT"
            " PRICE_THRESHOLD_EXCEEDED",
        ),
        (CodeMeaning.NOTIONAL, "AMOUNT_TOO_LITTLE SIZE_TOO_SMALL"),
        (CodeMeaning.REDUCE_ONLY, "POSITION_EMPTY INCREASE_POSITION"),
        (CodeMeaning.TRIGGER_SIDE, "AUTO_TRIGGER_PRICE_LESS_LAST AUTO_TRIGGER_PRICE_GREATE_LAST"),
        (CodeMeaning.POST_ONLY, "POC_FILL_IMMEDIATELY ORDER_POC_IMMEDIATE"),
        (CodeMeaning.RISK_LIMIT, "RISK_LIMIT_EXCEEDED LIQUIDATE_IMMEDIATELY"),
        (CodeMeaning.ORDER_NOT_FOUND, "ORDER_NOT_FOUND CLIENT_ID_NOT_FOUND"),
        (CodeMeaning.ORDER_NOT_FOUND, "ORDER_CLOSED ORDER_CANCELLED ORDER_FINISHED"),
        (CodeMeaning.DUPLICATE_CLIENT_ID, "REPEATED_CREATION"),
        (CodeMeaning.NOTHING_TO_DO, "NO_CHANGE"),
        (CodeMeaning.RATE_LIMITED, "TOO_FAST TOO_MANY_REQUESTS"),
        (CodeMeaning.CLOCK, "REQUEST_EXPIRED"),
        (
            CodeMeaning.AUTH_FAILED,
            "INVALID_KEY INVALID_SIGNATURE INVALID_CREDENTIALS AUTHENTICATION_FAILED",
        ),
        (CodeMeaning.NO_PERMISSION, "IP_FORBIDDEN READ_ONLY FORBIDDEN"),
        (CodeMeaning.UNKNOWN_OUTCOME, "INTERNAL SERVER_ERROR TOO_BUSY"),
    ),
    messages={"INVALID_PARAM_VALUE": (("your order size", CodeMeaning.NOTIONAL),)},
)
_CANCELED = (
    "cancelled canceled ioc stp poc fok reduce_only reduce_out trader_not_enough depth_not_enough"
    " small position_closed liquidated liquidate_cancelled auto_deleveraged"
)
_STATUSES = StatusTable(
    open="open _new _update",
    filled="filled closed",
    canceled=_CANCELED,
    expired="expired",
    rejected="failed",
)
_CONDITIONAL_STATUSES = StatusTable(
    open="open _new _update",
    filled="filled closed",
    triggered="finish succeeded",
    canceled=f"{_CANCELED} finished inactive",
    expired="expired",
    rejected="failed",
)


#: Conditional orders of spot return no client order id. They return how long they wait, which Gate
#: demands; a day is what ccxt sends.
_TAG = TriggerTag(kinds=SPOT_ONLY, param="expiration", default=86_400)


def _parse_state(info: Info) -> VenueState | None:
    """``finish_as``, why an order ended, is more specific than ``status``."""
    is_conditional = "trigger" in info and ("put" in info or "initial" in info)
    raw = info_text(info, "finish_as") or info_text(info, "status")
    if raw is None:
        return None
    statuses = _CONDITIONAL_STATUSES if is_conditional else _STATUSES
    placed = info_text(info, "trade_id") or info_text(info, "fired_order_id")
    is_spot = is_conditional and "put" in info
    return VenueState(
        status=statuses.find(raw),
        raw=raw,
        is_conditional=is_conditional,
        triggered_order_id=placed if is_conditional and placed != "0" else None,
        tag=info_text(info["trigger"], _TAG.param) if is_spot else None,
    )


_FAMILY = VenueProfile(init_calls=(("load_unified_status", ()),), errors=_ERRORS)
_GATE = evolve(
    _FAMILY,
    trades_page=1000,
    orders_page=100,
    window_days_max=30,
    # Entries of the account's book; some have no id, and no two of one moment the same balance.
    funding_page=1000,
    funding_offset_param="offset",
    funding_number_keys=("change",),
    funding_content_keys=("time", "balance", "change"),
    kind_params={"fetch_funding_history": {InstrumentKind.LINEAR: {"type": "swap"}}},
    closed_order_methods=("fetch_closed_orders",),
    newest_first=True,
    omitted_params={"": frozenset({"subType"})},
    separate_trigger_kinds=ALL_KINDS,
    reports_waiting_trigger=True,
    trigger_tag=_TAG,
    # A conditional order of spot has a price.
    unsupported_types={InstrumentKind.SPOT: frozenset({"stop_market", "take_profit_market"})},
    trigger_list_params=dict.fromkeys(ALL_KINDS, (TRIGGER_PARAMS,)),
    ended_trigger_list_params=dict.fromkeys(ALL_KINDS, (TRIGGER_PARAMS,)),
    trigger_lookup_params=TRIGGER_PARAMS,
    names_triggered_orders=False,
    has_typed_triggers=True,
    amend_kinds=ALL_KINDS,
    market_buy_by_cost_kinds=SPOT_ONLY,
    has_short_client_ids=True,
    parse_state=_parse_state,
    is_recorded=True,
)
PROFILES: Mapping[str, VenueProfile] = {"gate": _GATE, "gateeu": _FAMILY}
