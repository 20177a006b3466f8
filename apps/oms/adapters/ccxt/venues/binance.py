"""Binance, and ccxt's other classes of it."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from oms.adapters.ccxt.venues.key_query import KeyPermissions, KeyQuery, account_id_text
from oms.adapters.ccxt.venues.order_batches import OrderBatch, OrderLimit, split_list
from oms.adapters.ccxt.venues.order_status import Info, StatusTable, VenueState, info_text
from oms.adapters.ccxt.venues.profile import (
    CONTRACTS,
    SPOT_ONLY,
    TRIGGER_PARAMS,
    AddressLimit,
    CancelTimer,
    LookupMethod,
    TrailingDistances,
    UsedWeight,
    VenueProfile,
)
from oms.adapters.ccxt.venues.venue_errors import CodeMeaning, ErrorTable, by_code
from oms.adapters.ccxt.venues.wallets import Cash, WalletLayout, parse_totals
from oms.domain.instrument import InstrumentKind
from oms.domain.value import evolve


def _parse_cash(kind: InstrumentKind, response: Mapping[str, Any]) -> Cash:
    """The margin balance of contracts contains unrealized profit, the wallet balance does not."""
    if kind is InstrumentKind.SPOT:
        return parse_totals(response)
    return {row["asset"]: row["walletBalance"] for row in response["info"]["assets"]}


_WALLETS = WalletLayout(parse_cash=_parse_cash, separate_kinds=CONTRACTS)
_ERRORS = ErrorTable(
    codes=by_code(
        (CodeMeaning.INSUFFICIENT_FUNDS, "-2019"),
        (CodeMeaning.EXCHANGE_REJECTED, "-2010"),
        (CodeMeaning.REDUCE_ONLY, "-2022"),
        (CodeMeaning.NOTIONAL, "-4164"),
        (CodeMeaning.ORDER_NOT_FOUND, "-2011 -2013"),
        (CodeMeaning.AUTH_FAILED, "-1022 -2014 -2015"),
        (CodeMeaning.DUPLICATE_CLIENT_ID, "-4116"),
        (CodeMeaning.RATE_LIMITED, "-1015 -1003"),
        (CodeMeaning.CLOCK, "-1021"),
        (CodeMeaning.POSITION_MODE, "-4061"),
        (CodeMeaning.NOTHING_TO_DO, "-4059"),
        (CodeMeaning.UNKNOWN_OUTCOME, "-1006 -1007 -1001 -1008"),
    ),
    messages={
        "-2010": (
            ("duplicate order sent", CodeMeaning.DUPLICATE_CLIENT_ID),
            ("insufficient balance", CodeMeaning.INSUFFICIENT_FUNDS),
        )
    },
)
_STATUSES = StatusTable(
    open="NEW PARTIALLY_FILLED PENDING_CANCEL PENDING_NEW ACCEPTED TRIGGERED",
    filled="FILLED",
    canceled="CANCELED",
    expired="EXPIRED EXPIRED_IN_MATCH",
    rejected="REJECTED",
)
_CONDITIONAL_STATUSES = StatusTable(
    open="NEW TRIGGERING",
    triggered="TRIGGERED FINISHED",
    canceled="CANCELED",
    expired="EXPIRED",
    rejected="REJECTED",
)


def _parse_state(info: Info) -> VenueState | None:
    raw = info_text(info, "status")
    if raw is not None:
        return VenueState(status=_STATUSES.find(raw), raw=raw)
    return _parse_conditional(info)


def _parse_conditional(info: Info) -> VenueState | None:
    """Conditional orders of contracts, as REST lists them and as a stream reports them."""
    raw = info_text(info, "X" if "aid" in info else "algoStatus")
    if raw is None or not ("aid" in info or "algoId" in info):
        return None
    return VenueState(
        status=_CONDITIONAL_STATUSES.find(raw),
        raw=raw,
        is_conditional=True,
        triggered_order_id=info_text(info, "actualOrderId") or info_text(info, "ai"),
    )


def _parse_key(payload: Any) -> KeyPermissions:
    trades = bool(payload["enableSpotAndMarginTrading"]) or bool(payload.get("enableFutures"))
    return KeyPermissions(trades=trades, can_withdraw=bool(payload["enableWithdrawals"]))


def _parse_owner(payload: Any) -> KeyPermissions:
    return KeyPermissions(owner=account_id_text(payload.get("uid")))


#: Where the limits of each API are listed, and the API's name at ccxt.
_LIMIT_PATHS = {"/api/v3/exchangeInfo": "private", "/fapi/v1/exchangeInfo": "fapi"}
_INTERVAL_SECONDS = {"SECOND": 1, "MINUTE": 60}
_COUNT_HEADERS = {10: "x-mbx-order-count-10s", 60: "x-mbx-order-count-1m"}


def _parse_order_limits(url: str, body: Any) -> Sequence[OrderLimit]:
    """Limits on orders; those of a day are left to the exchange."""
    api = next((name for path, name in _LIMIT_PATHS.items() if path in url), None)
    if api is None or not isinstance(body, dict):
        return ()
    return [
        OrderLimit(
            api=api, orders=int(row["limit"]), seconds=seconds, used_header=_COUNT_HEADERS[seconds]
        )
        for row in body.get("rateLimits") or ()
        if row.get("rateLimitType") == "ORDERS" and row.get("interval") in _INTERVAL_SECONDS
        for seconds in (_INTERVAL_SECONDS[row["interval"]] * int(row["intervalNum"]),)
        if seconds in _COUNT_HEADERS
    ]


def _documented_limit(api: str, orders: int, seconds: int) -> OrderLimit:
    return OrderLimit(api=api, orders=orders, seconds=seconds, used_header=_COUNT_HEADERS[seconds])


def _count_down(seconds: int, symbol: str) -> tuple[str, Sequence[object]]:
    """ccxt has no unified method: the venue's own, with its name of the symbol."""
    name = symbol.partition(":")[0].replace("/", "")
    request = {"symbol": name, "countdownTime": seconds * 1000}
    return "fapiPrivatePostCountdownCancelAll", [request]


_ORDERS = "fetch_orders"
_ID_PARAMS = {"fetch_my_trades": "fromId", _ORDERS: "orderId"}
_FAMILY = VenueProfile(
    errors=_ERRORS,
    order_limits=(
        _documented_limit("private", 100, 10),
        *(_documented_limit(api, 300, 10) for api in ("fapi", "dapi")),
        *(_documented_limit(api, 1200, 60) for api in ("fapi", "dapi")),
    ),
    parse_order_limits=_parse_order_limits,
    used_weight=UsedWeight(
        header="x-mbx-used-weight-1m", limits={"/api/v3/": 6000, "/fapi/": 2400}
    ),
    # All requests count for the IP address. Futures and coin futures count by themselves: 2,400 a
    # minute. An order weighs one of 6,000 a minute there, and counts for its account as well.
    address_limit=AddressLimit(groups={"fapi": 40.0, "dapi": 40.0}, order_cost=0.2),
)
_BINANCE = evolve(
    _FAMILY,
    ccxt_options={
        # Market tables without kinds that are not traded, and without a private request.
        "fetchMarkets": {"types": ["spot", "linear"]},
        "fetchMargins": False,
        # A list of all symbols costs more, and is read once per reconcile pass.
        "warnOnFetchOpenOrdersWithoutSymbol": False,
        # Requested when a stream begins, and not used.
        "watchPositions": {"fetchPositionsSnapshot": False},
    },
    # ccxt refuses the futures testnet: only spot is read there.
    environment_options={"testnet": {"fetchMarkets": {"types": ["spot"]}}},
    key_query=KeyQuery(
        method="sapi_get_account_apirestrictions",
        parse=_parse_key,
        environments=frozenset({"live"}),
    ),
    owner_query=KeyQuery(
        method="private_get_account",
        parse=_parse_owner,
        environments=frozenset({"live", "testnet"}),
    ),
    lookup_method=LookupMethod.BY_PARAM,
    name_param="origClientOrderId",
    id_param="orderId",
    order_batch=OrderBatch(
        size=5,
        kinds=frozenset({InstrumentKind.LINEAR}),
        api="fapiprivate",
        path="order",
        batch_path="batchOrders",
        cost=5.0,
        split=partial(split_list, id_key="orderId", client_id_key="clientOrderId"),
    ),
    symbol_required=True,
    lists_all_open_orders=True,
    trades_page=1000,
    orders_page=1000,
    funding_page=1000,
    funding_history_days=90,
    funding_number_keys=("income",),
    window_days_max=1,
    window_days=dict.fromkeys(CONTRACTS, 7),
    history_days=dict.fromkeys(CONTRACTS, 180),
    # ccxt's list of ended orders has no page size, and leaves out expired ones.
    closed_order_methods=(_ORDERS,),
    from_id_params={InstrumentKind.SPOT: _ID_PARAMS},
    first_id_params=dict.fromkeys(CONTRACTS, _ID_PARAMS),
    income_page=1000,
    separate_trigger_kinds=CONTRACTS,
    reports_waiting_trigger=True,
    trigger_list_params=dict.fromkeys(CONTRACTS, (TRIGGER_PARAMS,)),
    trigger_lookup_params=TRIGGER_PARAMS,
    amend_kinds=frozenset({InstrumentKind.LINEAR}),
    replace_kinds=SPOT_ONLY,
    has_typed_triggers=True,
    native_exit_kinds=frozenset({InstrumentKind.LINEAR}),
    trailing_distances={
        InstrumentKind.LINEAR: TrailingDistances(
            percent_min=Decimal("0.1"), percent_max=Decimal(10), percent_step=Decimal("0.1")
        )
    },
    # No limits are documented; a switch needs at most 5410 seconds.
    cancel_timer=CancelTimer(
        seconds=range(5, 7201), symbol_kinds=frozenset({InstrumentKind.LINEAR}), call=_count_down
    ),
    client_id_scope="open orders",
    rejects_stale_requests=True,
    order_number_keys={
        "amount": ("origQty", "quantity"),
        "filled": ("executedQty",),
        "price": ("price",),
        "triggerPrice": ("stopPrice", "triggerPrice"),
    },
    trade_number_keys={"amount": ("qty",), "price": ("price",), "fee": ("commission",)},
    parse_state=_parse_state,
    trades_have_ids=True,
    book_depth=50,
    wallets=_WALLETS,
)
#: ccxt's class of COIN-M: inverse contracts only, on hosts of their own.
_COIN_M = evolve(
    _BINANCE,
    ccxt_options={
        "warnOnFetchOpenOrdersWithoutSymbol": False,
        "watchPositions": {"fetchPositionsSnapshot": False},
    },
    environment_options={},
    contract_kind=InstrumentKind.INVERSE,
    cancel_timer=None,
    order_batch=None,
    amend_kinds=frozenset(),
    replace_kinds=frozenset(),
    is_recorded=True,
)
PROFILES: Mapping[str, VenueProfile] = {
    "binance": _BINANCE,
    "binancecoinm": _COIN_M,
    **dict.fromkeys(("binanceus", "binanceusdm"), _FAMILY),
}
