"""OKX, and its regional exchanges."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from oms.adapters.ccxt.venues.key_query import KeyPermissions, KeyQuery, account_id_text
from oms.adapters.ccxt.venues.order_batches import OrderBatch, OrderLimit, split_rows
from oms.adapters.ccxt.venues.order_status import Info, StatusTable, VenueState, info_text
from oms.adapters.ccxt.venues.profile import (
    ALL_KINDS,
    SECTION_PARAMS,
    TRIGGER_PARAMS,
    CancelTimer,
    LookupMethod,
    VenueProfile,
)
from oms.adapters.ccxt.venues.venue_errors import CodeMeaning, ErrorTable, by_code
from oms.adapters.ccxt.venues.wallets import Cash, WalletLayout
from oms.domain.instrument import InstrumentKind
from oms.domain.value import evolve

_ERRORS = ErrorTable(
    codes=by_code(
        (CodeMeaning.INSUFFICIENT_FUNDS, "51008 51119 51127 51131 51502"),
        (CodeMeaning.PRICE_BAND, "51006 51136 51137 51138"),
        (CodeMeaning.NOTIONAL, "51020"),
        (CodeMeaning.REDUCE_ONLY, "51205"),
        (CodeMeaning.TRIGGER_SIDE, "51278 51279 51280"),
        (CodeMeaning.DUPLICATE_CLIENT_ID, "51016"),
        (CodeMeaning.ORDER_NOT_FOUND, "51400 51401 51402 51503 51603"),
        (CodeMeaning.NOTHING_TO_DO, "51410"),  # a cancel is under way already
        (CodeMeaning.RATE_LIMITED, "50011 50061"),
        (CodeMeaning.CLOCK, "50102"),
        (CodeMeaning.AUTH_FAILED, "50101 50103 50104 50105 50106 50111 50113 50114"),
        (CodeMeaning.NO_PERMISSION, "50027 50110 50120"),
        (CodeMeaning.UNKNOWN_OUTCOME, "50001 50004 50005 50013 50026"),
    ),
    messages={"51000": (("posside", CodeMeaning.POSITION_MODE),)},
    success=("code", frozenset({"0"})),
)
_STATUSES = StatusTable(
    open="live partially_filled", filled="filled", canceled="canceled mmp_canceled"
)
_CONDITIONAL_STATUSES = StatusTable(
    open="live pause partially_effective",
    triggered="effective order_placed filled",
    canceled="canceled",
    rejected="order_failed partially_failed",
)
_LIST_METHODS = ("fetch_open_orders", "fetch_positions")
_KIND_PARAMS: Mapping[InstrumentKind, Mapping[str, object]] = {
    InstrumentKind.SPOT: {"instType": "SPOT"},
    InstrumentKind.LINEAR: {"instType": "SWAP"},
}


def _parse_state(info: Info) -> VenueState | None:
    """An order that a conditional one placed names it by ``algoId``, and has executions."""
    raw = info_text(info, "state")
    if raw is None:
        return None
    if not info.get("algoId") or "accFillSz" in info:
        return VenueState(status=_STATUSES.find(raw), raw=raw)
    return VenueState(
        status=_CONDITIONAL_STATUSES.find(raw),
        raw=raw,
        is_conditional=True,
        triggered_order_id=info_text(info, "ordId"),
    )


def _parse_order_id(info: Info) -> str | None:
    """ccxt's id of an order that a conditional one placed is that of the conditional one."""
    return info_text(info, "ordId" if "accFillSz" in info else "algoId")


def _parse_key(payload: Any) -> KeyPermissions:
    row = payload["data"][0]
    granted = {name.strip() for name in str(row["perm"]).split(",")}
    return KeyPermissions(
        trades="trade" in granted,
        can_withdraw="withdraw" in granted,
        owner=account_id_text(row.get("uid")),
    )


_PLACE, _PLACE_BATCH = "trade/order", "trade/batch-orders"


def _as_single_reply(row: Info) -> Mapping[str, Any]:
    """The reply to one order of a batch, as to an order of its own."""
    return {"code": "0" if row.get("sCode") == "0" else "1", "data": [row], "msg": ""}


def _parse_cash(kind: InstrumentKind, response: Mapping[str, Any]) -> Cash:
    """One wallet; the equity of a currency contains unrealized profit, its cash does not."""
    (account,) = response["info"]["data"]
    return {row["ccy"]: row["cashBal"] for row in account["details"]}


_FAMILY = VenueProfile(errors=_ERRORS)
_OKX = evolve(
    _FAMILY,
    # A single order counts for another limit than one of a batch, which ccxt would send.
    ccxt_options={"createOrder": "privatePostTradeOrder"},
    key_query=KeyQuery(
        method="private_get_account_config",
        parse=_parse_key,
        environments=frozenset({"live", "testnet"}),
    ),
    # Per instrument at the venue; counted for the whole key here. Each order of a batch counts.
    order_limits=(
        OrderLimit(path=_PLACE, orders=60, seconds=2),
        OrderLimit(path=_PLACE_BATCH, orders=300, seconds=2),
    ),
    order_batch=OrderBatch(
        size=20,
        kinds=ALL_KINDS,
        api="private",
        path=_PLACE,
        batch_path=_PLACE_BATCH,
        split=partial(split_rows, id_key="ordId", client_id_key="clOrdId", wrap=_as_single_reply),
    ),
    lookup_method=LookupMethod.BY_PARAM,
    name_param="clOrdId",
    id_param="ordId",
    absence_needs_lists=True,
    orders_page=100,
    history_days_max=90,
    # Bills of the last three months, newest first; a leg is not named.
    funding_page=100,
    funding_history_days=90,
    funding_takes_until=False,
    funding_before_id_param="after",
    funding_number_keys=("balChg", "posBalChg"),
    closed_order_methods=("fetch_closed_orders", "fetch_canceled_orders"),
    newest_first=True,
    omitted_params={
        **dict.fromkeys(_LIST_METHODS, SECTION_PARAMS),
        "": frozenset({"subType"}),
    },
    kind_params={
        **dict.fromkeys(_LIST_METHODS, _KIND_PARAMS),
        "fetch_funding_history": {InstrumentKind.LINEAR: {"type": "swap", "ctType": "linear"}},
    },
    separate_trigger_kinds=ALL_KINDS,
    reports_waiting_trigger=True,
    trigger_list_params=dict.fromkeys(
        ALL_KINDS, (TRIGGER_PARAMS, {**TRIGGER_PARAMS, "ordType": "conditional,oco"})
    ),
    trigger_lookup_params=TRIGGER_PARAMS,
    amend_kinds=ALL_KINDS,
    cancel_timer=CancelTimer(seconds=range(10, 121)),
    parse_state=_parse_state,
    parse_order_id=_parse_order_id,
    client_id_keys=("algoClOrdId",),
    # ccxt's streams pass the fee on with the venue's sign.
    negative_fee_keys=("fillFee", "fee"),
    trades_have_ids=True,
    has_single_private_stream=True,
    wallets=WalletLayout(parse_cash=_parse_cash),
    is_recorded=True,
)
PROFILES: Mapping[str, VenueProfile] = {"okx": _OKX, "okxus": _FAMILY, "myokx": _FAMILY}
