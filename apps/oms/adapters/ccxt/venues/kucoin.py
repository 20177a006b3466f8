"""KuCoin, and ccxt's class of its futures."""

from collections.abc import Mapping

from oms.adapters.ccxt.venues.order_status import Info, VenueOrderStatus, VenueState, info_text
from oms.adapters.ccxt.venues.profile import (
    ALL_KINDS,
    SECTION_PARAMS,
    SPOT_ONLY,
    TRIGGER_PARAMS,
    LookupMethod,
    VenueProfile,
)
from oms.adapters.ccxt.venues.venue_errors import CodeMeaning, ErrorTable, by_code
from oms.domain.instrument import InstrumentKind
from oms.domain.value import evolve

_ERRORS = ErrorTable(
    codes=by_code(
        (CodeMeaning.INSUFFICIENT_FUNDS, "200004 230003 210021 126013 300003 330008"),
        (CodeMeaning.PRICE_BAND, "400330 400370 400760 126029 126030"),
        # 600100 is an order below the minimum cost, which ccxt reads as insufficient funds.
        (CodeMeaning.NOTIONAL, "600100 600101 126003"),
        (CodeMeaning.REDUCE_ONLY, "300009"),
        (CodeMeaning.POSITION_MODE, "330012"),
        (CodeMeaning.DUPLICATE_CLIENT_ID, "126033 126044"),
        (CodeMeaning.ORDER_NOT_FOUND, "100001 126043 order_not_exist"),
        (CodeMeaning.ORDER_NOT_FOUND, "100004"),  # it cannot be canceled: its state is looked up
        (CodeMeaning.RATE_LIMITED, "429 429000"),
        (CodeMeaning.CLOCK, "400002"),
        (CodeMeaning.AUTH_FAILED, "400001 400003 400004 400005 400006 400007"),
        (CodeMeaning.NO_PERMISSION, "400303 126047 126048"),
        (CodeMeaning.UNKNOWN_OUTCOME, "408000 500000 126038 126039"),
    ),
    messages={
        "400100": (
            ("order_not_exist_or_not_allow_to_cancel", CodeMeaning.ORDER_NOT_FOUND),
            ("order size below the minimum", CodeMeaning.NOTIONAL),
            ("account.available.amount", CodeMeaning.INSUFFICIENT_FUNDS),
        ),
        "600100": (("increment invalid", CodeMeaning.EXCHANGE_REJECTED),),
    },
    success=("code", frozenset({"200000", "200"})),
)


def _parse_state(info: Info) -> VenueState | None:
    """From flags; ccxt reads a filled order as canceled because its ``stop`` is empty."""
    is_active = info.get("isActive", info.get("active"))
    is_conditional = bool(info.get("stop")) and info.get("stopTriggered") is not True
    if is_conditional and is_active is not False:
        raw = info_text(info, "status")
        return VenueState(status=VenueOrderStatus.OPEN, raw=raw, is_conditional=True)
    if not isinstance(is_active, bool):
        return None
    if is_active:
        return VenueState(status=VenueOrderStatus.OPEN, raw="active")
    if info.get("cancelExist") is True or is_conditional:
        status, raw = VenueOrderStatus.CANCELED, "canceled"
    else:
        status, raw = VenueOrderStatus.FILLED, "closed"
    return VenueState(status=status, raw=raw, is_conditional=is_conditional)


_FAMILY = VenueProfile(needs_integer_amounts=True, errors=_ERRORS)
_KUCOIN = evolve(
    _FAMILY,
    # The kind of account, and which of two API generations its spot orders go to.
    init_calls=(("is_uta_enabled", ()), ("load_migration_status", ())),
    lookup_method=LookupMethod.BY_PARAM,
    name_param="clientOrderId",
    id_param="orderId",
    absence_needs_lists=True,
    symbol_required=True,
    window_days_max=7,
    # Newest first; the start is ignored where a page size is sent.
    funding_page=100,
    funding_by_symbol=True,
    funding_takes_until=False,
    funding_before_id_param="offset",
    funding_number_keys=("funding", "fundingFee"),
    closed_order_methods=("fetch_closed_orders",),
    newest_first=True,
    omitted_params={"": SECTION_PARAMS},
    separate_trigger_kinds=SPOT_ONLY,
    unsupported_triggers={
        InstrumentKind.SPOT: "KuCoin's stops of spot do not name the order that they place, and"
        " that order does not name its stop: its executions could not be attributed"
    },
    reports_waiting_trigger=True,
    # A stop of contracts is one order under one id; those that wait have a list of their own.
    one_cancel_kinds=frozenset({InstrumentKind.LINEAR}),
    trigger_direction=("stop", "up", "down"),
    # ccxt's default is the mark price.
    trigger_params={"stopPriceType": "TP"},
    trigger_list_params=dict.fromkeys(ALL_KINDS, (TRIGGER_PARAMS,)),
    unsupported_time_in_force={InstrumentKind.LINEAR: frozenset({"FOK"})},
    parse_state=_parse_state,
    is_recorded=True,
)
PROFILES: Mapping[str, VenueProfile] = {"kucoin": _KUCOIN, "kucoinfutures": _FAMILY}
