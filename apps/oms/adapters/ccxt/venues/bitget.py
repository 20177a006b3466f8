"""Bitget."""

from collections.abc import Mapping
from typing import Any

from oms.adapters.ccxt.venues.order_status import Info, StatusTable, VenueState, info_text
from oms.adapters.ccxt.venues.profile import (
    ALL_KINDS,
    SECTION_PARAMS,
    SPOT_ONLY,
    TRIGGER_PARAMS,
    LookupMethod,
    PlacedOrderQuery,
    VenueProfile,
)
from oms.adapters.ccxt.venues.venue_errors import CodeMeaning, ErrorTable, by_code
from oms.domain.instrument import InstrumentKind

_ERRORS = ErrorTable(
    codes=by_code(
        (CodeMeaning.INSUFFICIENT_FUNDS, "40711 40712 40762 43012"),
        (CodeMeaning.NOTIONAL, "45110"),
        (CodeMeaning.POSITION_MODE, "40774"),
        (CodeMeaning.ORDER_NOT_FOUND, "40109 40768 43001 43025"),
        (CodeMeaning.RATE_LIMITED, "429 1001 30014 30026"),
        (CodeMeaning.CLOCK, "40004 40005 40008"),
        (CodeMeaning.AUTH_FAILED, "40001 40002 40003 40006 40009 40011 40012 40037"),
        (CodeMeaning.NO_PERMISSION, "40014 40016 40018 40301"),
        # Documented elsewhere as a request that took too long.
        (CodeMeaning.UNKNOWN_OUTCOME, "40010 40604 500"),
    ),
    success=("code", frozenset({"00000"})),
)
_STATUSES = StatusTable(
    open="new init live not_trigger partial_fill partially_fill partially_filled",
    filled="full_fill filled",
    canceled="cancel cancelled canceled",
)
_CONDITIONAL_STATUSES = StatusTable(
    open="live not_trigger",
    triggered="triggered executed executing",
    canceled="cancel cancelled canceled",
    rejected="fail_trigger fail_execute",
)
_STATUS_KEYS = ("planStatus", "status", "state", "orderStatus")
_OPPOSITE = {"buy": "sell", "sell": "buy"}


def _parse_state(info: Info) -> VenueState | None:
    raw = next((text for key in _STATUS_KEYS if (text := info_text(info, key)) is not None), None)
    is_conditional = bool(info.get("planType")) and bool(info.get("triggerPrice"))
    if raw is None:
        return None
    if not is_conditional:
        return VenueState(status=_STATUSES.find(raw), raw=raw)
    return VenueState(
        status=_CONDITIONAL_STATUSES.find(raw),
        raw=raw,
        is_conditional=True,
        triggered_order_id=info_text(info, "executeOrderId"),
    )


def _parse_placed_order(payload: Any) -> str | None:
    """The order that a trigger order of spot placed, once it is there."""
    rows = payload["data"] or []
    return str(rows[0]["orderId"]) if rows else None


def _parse_side(info: Info, side: Any) -> Any:
    """In hedge mode ``side`` is the side of the leg and ``tradeSide`` says what is done to it.

    ccxt passes the leg's side on: an order that closes a long would be read as a buy.
    """
    if info.get("posMode") != "hedge_mode" or "tradeSide" not in info:
        return side
    leg = str(info.get("side")).lower()
    is_close = str(info["tradeSide"]).lower().startswith("close")
    return _OPPOSITE.get(leg) if is_close else leg


PROFILES: Mapping[str, VenueProfile] = {
    "bitget": VenueProfile(
        init_calls=(("handle_uta_and_params", ({}, "createOrder")),),
        errors=_ERRORS,
        lookup_method=LookupMethod.BY_PARAM,
        name_param="clientOrderId",
        id_param="orderId",
        id_placeholder="",
        absence_needs_lists=True,
        symbol_required=True,
        orders_page=100,
        window_days_max=7,
        funding_page=100,
        funding_window_days=30,
        funding_history_days=90,
        funding_by_symbol=True,
        funding_before_id_param="idLessThan",
        funding_number_keys=("amount",),
        closed_order_methods=("fetch_canceled_and_closed_orders",),
        newest_first=True,
        omitted_params={"": SECTION_PARAMS, "fetch_positions": frozenset({"type"})},
        separate_trigger_kinds=ALL_KINDS,
        reports_waiting_trigger=True,
        placed_order_query=PlacedOrderQuery(
            kinds=SPOT_ONLY,
            path="v2/spot/trade/plan-sub-order",
            api=("private", "spot"),
            param="planOrderId",
            parse=_parse_placed_order,
        ),
        trigger_list_params={
            InstrumentKind.SPOT: (TRIGGER_PARAMS,),
            InstrumentKind.LINEAR: (TRIGGER_PARAMS, {**TRIGGER_PARAMS, "planType": "profit_loss"}),
        },
        ended_trigger_list_params=dict.fromkeys(ALL_KINDS, (TRIGGER_PARAMS,)),
        names_triggered_orders=False,
        # ccxt's default is the mark price.
        trigger_params={"triggerType": "fill_price"},
        market_buy_by_cost_kinds=SPOT_ONLY,
        parse_state=_parse_state,
        parse_side=_parse_side,
        is_recorded=True,
    )
}
