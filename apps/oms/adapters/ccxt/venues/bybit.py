"""Bybit, and its regional exchanges."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from oms.adapters.ccxt.venues.key_query import KeyPermissions, KeyQuery, account_id_text
from oms.adapters.ccxt.venues.order_batches import OrderBatch, OrderLimit, split_pairs
from oms.adapters.ccxt.venues.order_status import Info, StatusTable, VenueState, info_text
from oms.adapters.ccxt.venues.profile import ALL_KINDS, LookupMethod, VenueProfile
from oms.adapters.ccxt.venues.venue_errors import CodeMeaning, ErrorTable, by_code
from oms.adapters.ccxt.venues.wallets import Cash, WalletLayout, parse_totals
from oms.domain.instrument import InstrumentKind
from oms.domain.value import evolve


def _parse_cash(kind: InstrumentKind, response: Mapping[str, Any]) -> Cash | None:
    """The unified account has one wallet; others have several, which are not read."""
    (account,) = response["info"]["result"]["list"]
    return parse_totals(response) if account["accountType"] == "UNIFIED" else None


_WALLETS = WalletLayout(parse_cash=_parse_cash)
_ERRORS = ErrorTable(
    codes=by_code(
        (CodeMeaning.INSUFFICIENT_FUNDS, "110004 110007 110012 110045 170131"),
        (CodeMeaning.PRICE_BAND, "110003"),
        (CodeMeaning.REDUCE_ONLY, "110017"),
        (CodeMeaning.NOTIONAL, "110094 170140"),
        (CodeMeaning.TRIGGER_SIDE, "110092 110093"),
        (CodeMeaning.ORDER_NOT_FOUND, "110001 170213"),
        (CodeMeaning.AUTH_FAILED, "10003 10004"),
        (CodeMeaning.NO_PERMISSION, "10005 10010"),
        (CodeMeaning.DUPLICATE_CLIENT_ID, "110072 170141"),
        (CodeMeaning.RATE_LIMITED, "10006 10018"),
        (CodeMeaning.CLOCK, "10002"),
        (CodeMeaning.NOTHING_TO_DO, "110025 110043"),
        (CodeMeaning.UNKNOWN_OUTCOME, "10016"),
    ),
    messages={"10001": (("position idx not match position mode", CodeMeaning.POSITION_MODE),)},
    success=("retCode", frozenset({"0"})),
)
_STATUSES = StatusTable(
    open="Created New PartiallyFilled PendingCancel Untriggered Triggered Active",
    filled="Filled",
    canceled="Cancelled PartiallyFilledCanceled Deactivated",
    rejected="Rejected",
)


def _parse_state(info: Info) -> VenueState | None:
    raw = info_text(info, "orderStatus")
    if raw is None:
        return None
    status, is_untriggered = _STATUSES.find(raw), raw == "Untriggered"
    return VenueState(status=status, raw=raw, is_untriggered=is_untriggered)


def _parse_key(payload: Any) -> KeyPermissions:
    result = payload["result"]
    permissions: Mapping[str, Any] = result["permissions"]
    granted = {
        name for kind in ("ContractTrade", "Spot", "Derivatives") for name in permissions[kind]
    }
    return KeyPermissions(
        trades=bool(granted) and not int(result["readOnly"]),
        can_withdraw="Withdraw" in permissions["Wallet"],
        owner=account_id_text(result.get("userID")),
    )


_CREATE, _CREATE_BATCH = "v5/order/create", "v5/order/create-batch"

_FAMILY = VenueProfile(
    init_calls=(("is_unified_enabled", ()),),
    errors=_ERRORS,
    limit_headers=("x-bapi-limit", "x-bapi-limit-status"),
    # Until a reply says more. Each order of a batch counts.
    order_limits=tuple(OrderLimit(path=path, orders=10) for path in (_CREATE, _CREATE_BATCH)),
    quote_amount_marker=("marketUnit", "quoteCoin"),
    create_reasons={
        "CreateByLiq": "liquidation",
        "CreateByTakeOver_PassThrough": "liquidation",
        "CreateByAdl_PassThrough": "adl",
        "CreateBySettle": "settlement",
    },
    create_exits={
        **dict.fromkeys(("CreateByTakeProfit", "CreateByPartialTakeProfit"), "takeProfit"),
        **dict.fromkeys(("CreateByStopLoss", "CreateByPartialStopLoss"), "stopLoss"),
    },
    execution_reasons={
        "BustTrade": "liquidation",
        "AdlTrade": "adl",
        "Settle": "settlement",
        "Delivery": "settlement",
    },
    has_mode_per_symbol=True,
    has_single_private_stream=True,
)
_BYBIT = evolve(
    _FAMILY,
    # Market tables without kinds that are not traded.
    ccxt_options={"fetchMarkets": {"types": ["spot", "linear"]}},
    key_query=KeyQuery(
        method="private_get_v5_user_query_api",
        parse=_parse_key,
        environments=frozenset({"live", "testnet", "demo", "loopback"}),
    ),
    # Spot takes 10 orders in one request, contracts 20: more than the usual limit of a second.
    order_batch=OrderBatch(
        size=10,
        kinds=ALL_KINDS,
        api="private",
        path=_CREATE,
        batch_path=_CREATE_BATCH,
        split=partial(split_pairs, id_key="orderId", client_id_key="orderLinkId"),
    ),
    lookup_method=LookupMethod.LISTS,
    name_param="orderLinkId",
    id_param="orderId",
    trades_have_client_id=True,
    uses_cursor=True,
    window_days_max=7,
    history_days_max=730,
    settle_param="settleCoin",
    extra_execution_types=("BustTrade", "AdlTrade", "Funding"),
    reports_waiting_trigger=True,
    amend_kinds=ALL_KINDS,
    amends_triggers=True,
    native_exit_kinds=frozenset({InstrumentKind.LINEAR}),
    trigger_direction=("triggerDirection", "ascending", "descending"),
    has_unique_client_ids=True,
    rejects_stale_requests=True,
    order_number_keys={
        "amount": ("qty",),
        "filled": ("cumExecQty",),
        "average": ("avgPrice",),
        "price": ("price",),
        "triggerPrice": ("triggerPrice",),
    },
    trade_number_keys={"amount": ("execQty",), "price": ("execPrice",), "fee": ("execFee",)},
    parse_state=_parse_state,
    trades_have_ids=True,
    sequence_key="seq",
    book_depth=50,
    wallets=_WALLETS,
)
PROFILES: Mapping[str, VenueProfile] = {"bybit": _BYBIT, "bybiteu": _FAMILY, "bybitid": _FAMILY}
