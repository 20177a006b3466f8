"""Rejections of five venues through real ccxt, the header of demo trading, refused order forms."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from kit.builders import an_order
from oms.adapters.ccxt.client.request_errors import (
    NotSent,
    OutcomeUnknown,
    Overloaded,
    ReadFailed,
    Rejected,
    RequestError,
)
from oms.adapters.ccxt.orders.ccxt_calls import refuse_unsupported_order
from oms.adapters.ccxt.venues.capabilities import build_capabilities
from oms.adapters.ccxt.venues.catalog import load_venues
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.domain.errors import Invalid
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.side import Side

Places = Callable[[str], Any]
SYMBOLS = {
    "okx": "ETH/USDT",
    "kraken": "BTC/USDT",
    "gate": "ETH/USDT",
    "kucoin": "LTC/USDT",
    "bitget": "BTC/USDT",
}
ROUTES = {
    "okx": "POST /api/v5/trade/order",
    "kraken": "POST /0/private/AddOrder",
    "gate": "POST /api/v4/spot/orders",
    "kucoin": "POST /api/v1/hf/orders",
    "bitget": "POST /api/v2/spot/trade/place-order",
}


def body(venue: str, code: str, message: str) -> Any:
    """The venue's reply for a rejection."""
    match venue:
        case "okx":
            row = {"clOrdId": "", "ordId": "", "sCode": code, "sMsg": message}
            return {"code": "1", "data": [row], "msg": "Operation failed."}
        case "kraken":
            return {"error": [code]}
        case "gate":
            return {"label": code, "message": message}
    return {"code": code, "msg": message, "data": None}


#: Venue, code, message, HTTP status; the exception, its code and reason.
REFUSALS: list[tuple[str, str, str, int, type[RequestError], str, str | None]] = [
    ("okx", "51008", "Insufficient balance", 200, Rejected, "insufficient_funds", None),
    ("okx", "51119", "insufficient balance", 200, Rejected, "insufficient_funds", None),
    ("okx", "51006", "out of the limit", 200, Rejected, "exchange_rejected", "price_band"),
    ("okx", "51020", "min amount", 200, Rejected, "exchange_rejected", "notional"),
    ("okx", "51016", "Duplicated", 200, OutcomeUnknown, "outcome_unknown", "duplicate_client_id"),
    ("okx", "51603", "Order does not exist", 200, Rejected, "order_not_found", None),
    ("okx", "50011", "Too Many Requests", 429, Overloaded, "exchange_rate_limited", None),
    ("okx", "50113", "Invalid Sign", 401, Rejected, "auth_failed", None),
    ("okx", "50013", "System is busy", 200, OutcomeUnknown, "outcome_unknown", "exchange_in_doubt"),
    ("okx", "59999", "new", 200, OutcomeUnknown, "outcome_unknown", "unlisted_code"),
    ("kraken", "EOrder:Insufficient funds", "", 200, Rejected, "insufficient_funds", None),
    ("kraken", "EOrder:Order minimum not met", "", 200, Rejected, "exchange_rejected", "notional"),
    ("kraken", "EOrder:Unknown order", "", 200, Rejected, "order_not_found", None),
    ("kraken", "EAPI:Rate limit exceeded", "", 200, Overloaded, "exchange_rate_limited", None),
    ("kraken", "EAPI:Invalid key", "", 200, Rejected, "auth_failed", None),
    ("kraken", "EGeneral:Permission denied", "", 200, Rejected, "auth_failed", "permission"),
    ("kraken", "EService:Market in cancel_only mode", "", 200, Rejected, "market_closed", None),
    ("kraken", "EService:Busy", "", 200, OutcomeUnknown, "outcome_unknown", "exchange_in_doubt"),
    ("gate", "BALANCE_NOT_ENOUGH", "", 400, Rejected, "insufficient_funds", None),
    ("gate", "PRICE_TOO_DEVIATED", "", 400, Rejected, "exchange_rejected", "price_band"),
    (
        *("gate", "INVALID_PARAM_VALUE", "Your order size 0.003 USDT is too small."),
        *(400, Rejected, "exchange_rejected", "notional"),
    ),
    ("gate", "INVALID_PARAM_VALUE", "invalid argument", 400, Rejected, "exchange_rejected", None),
    ("gate", "ORDER_NOT_FOUND", "", 404, Rejected, "order_not_found", None),
    (
        *("gate", "REPEATED_CREATION", "", 400),
        *(OutcomeUnknown, "outcome_unknown", "duplicate_client_id"),
    ),
    ("gate", "TOO_MANY_REQUESTS", "", 429, Overloaded, "exchange_rate_limited", None),
    ("gate", "INVALID_SIGNATURE", "", 401, Rejected, "auth_failed", None),
    ("gate", "RISK_LIMIT_EXCEEDED", "", 400, Rejected, "exchange_rejected", "risk_limit"),
    ("gate", "TOO_BUSY", "", 400, OutcomeUnknown, "outcome_unknown", "exchange_in_doubt"),
    ("kucoin", "200004", "Balance insufficient!", 200, Rejected, "insufficient_funds", None),
    ("kucoin", "400370", "Max. price: 0.02", 200, Rejected, "exchange_rejected", "price_band"),
    (
        *("kucoin", "600100", "Funds below the minimum requirement.", 200),
        *(Rejected, "exchange_rejected", "notional"),
    ),
    (
        *("kucoin", "400100", "order_not_exist_or_not_allow_to_cancel", 200),
        *(Rejected, "order_not_found", None),
    ),
    ("kucoin", "126044", "", 200, OutcomeUnknown, "outcome_unknown", "duplicate_client_id"),
    ("kucoin", "429000", "Too many requests", 429, Overloaded, "exchange_rate_limited", None),
    ("kucoin", "400005", "Invalid KC-API-SIGN", 401, Rejected, "auth_failed", None),
    ("kucoin", "408000", "timeout", 200, OutcomeUnknown, "outcome_unknown", "exchange_in_doubt"),
    ("bitget", "43012", "Insufficient balance", 400, Rejected, "insufficient_funds", None),
    ("bitget", "45110", "less than the minimum", 400, Rejected, "exchange_rejected", "notional"),
    ("bitget", "43001", "The order does not exist", 400, Rejected, "order_not_found", None),
    ("bitget", "40774", "unilateral", 400, Rejected, "position_mode_mismatch", None),
    ("bitget", "429", "Too many requests", 429, Overloaded, "exchange_rate_limited", None),
    ("bitget", "40009", "sign signature error", 400, Rejected, "auth_failed", None),
    ("bitget", "40014", "Incorrect permissions", 400, Rejected, "auth_failed", "permission"),
    ("bitget", "40010", "", 400, OutcomeUnknown, "outcome_unknown", "exchange_in_doubt"),
    ("bitget", "40786", "twice", 400, OutcomeUnknown, "outcome_unknown", "unlisted_code"),
]


@pytest.mark.parametrize("venue", SYMBOLS)
async def test_rejections_are_classified_by_code(venue: str, places: Places) -> None:
    """Through the venue's own class: its code decides before the class of the exception does."""
    place = places(venue)
    client = await place.opened()
    symbol, route = SYMBOLS[venue], ROUTES[venue]
    # Overload pauses all that follows: it comes last.
    rows = [row for row in REFUSALS if row[0] == venue]
    rows.sort(key=lambda row: row[4] is Overloaded)
    for _, code, message, status, kind, word, reason in rows:
        place.venue.answers[route] = body(venue, code, message)
        place.venue.statuses[route] = status
        with pytest.raises(RequestError) as caught:
            await client.write("create_order", symbol, "limit", "buy", Decimal(1), Decimal(100))
        fault = caught.value
        assert (type(fault), fault.code, fault.reason) == (kind, word, reason), (code, message)
        assert fault.venue_code == code


@pytest.mark.parametrize(
    ("venue", "code", "status"),
    [
        ("okx", "50102", 401),
        ("kraken", "EAPI:Invalid nonce", 200),
        ("gate", "REQUEST_EXPIRED", 400),
        ("kucoin", "400002", 400),
        ("bitget", "40008", 400),
    ],
)
async def test_after_a_clock_error_the_request_is_sent_once_more(
    venue: str, code: str, status: int, places: Places
) -> None:
    place = places(venue)
    client = await place.opened()
    route = ROUTES[venue]
    place.venue.answers[route] = body(venue, code, "")
    place.venue.statuses[route] = status
    with pytest.raises(Rejected) as caught:
        await client.write("create_order", SYMBOLS[venue], "limit", "buy", Decimal(1), Decimal(9))
    assert caught.value.code == "clock_skew"
    assert len(place.venue.sent(route)) == 2


@pytest.mark.parametrize(
    ("venue", "environment", "header"),
    [
        ("okx", "testnet", "x-simulated-trading"),
        ("bitget", "demo", "paptrading"),
        ("bitget", "testnet", "paptrading"),
    ],
)
async def test_the_demo_header_is_in_every_private_request(
    venue: str, environment: str, header: str, places: Places
) -> None:
    """The hosts are those of live trading: the header alone separates them, and it is checked."""
    place = places(venue)
    client = await place.opened(environment)
    place.venue.requests.clear()
    symbol = SYMBOLS[venue]
    await client.read("fetch_open_orders", symbol)
    place.venue.answers[ROUTES[venue]] = body(venue, "1", "no")
    with pytest.raises(RequestError):
        await client.write("create_order", symbol, "limit", "buy", Decimal(1), Decimal(9))
    assert len(place.venue.requests) == 2
    assert {asked.headers.get(header) for asked in place.venue.requests} == {"1"}
    client.exchange.headers = {}
    client.exchange.options["sandboxMode"] = False
    client.exchange.options["enableDemoTrading"] = False
    place.venue.requests.clear()
    with pytest.raises(NotSent) as caught:
        await client.write("create_order", symbol, "limit", "buy", Decimal(1), Decimal(9))
    assert caught.value.code == "host_mismatch" and not place.venue.requests


async def test_an_empty_success_is_no_order(places: Places) -> None:
    """Bitget returns nothing, and ccxt raises that there is no such order."""
    client = await places("bitget").opened()
    with pytest.raises(ReadFailed) as caught:
        await client.read("fetch_order", "", "BTC/USDT", {"clientOrderId": "x"})
    assert caught.value.code == "order_not_found"


def instrument(kind: InstrumentKind) -> Instrument:
    return Instrument(
        symbol="BTC/USDT",
        kind=kind,
        base="BTC",
        quote="USDT",
        settle="USDT",
        tick=Decimal("0.1"),
        step=Decimal("0.001"),
        min_notional=Decimal(5),
    )


WITH_STOPS = ("okx", "kraken", "bitget")
#: Stops on contracts only.
WITH_CONTRACT_STOPS = (*WITH_STOPS, "gate", "kucoin")
PLAIN_TYPES = ["market", "limit"]
STOP_TYPES = ["stop_market", "stop_limit", "take_profit_market", "take_profit_limit"]
STOP = {"order_type": "stop_market", "trigger_price": Decimal(9), "side": Side.SELL}
STOP_LIMIT = {**STOP, "order_type": "stop_limit", "price": Decimal(8)}
BUY = {"order_type": "market", "price": None, "side": Side.BUY}


@pytest.mark.parametrize(
    ("venue", "kind", "changes", "is_refused"),
    [
        *((venue, InstrumentKind.SPOT, STOP, venue not in WITH_STOPS) for venue in SYMBOLS),
        *(
            (venue, InstrumentKind.LINEAR, STOP, venue not in WITH_CONTRACT_STOPS)
            for venue in SYMBOLS
        ),
        ("bitget", InstrumentKind.SPOT, {**STOP, "side": Side.BUY}, True),
        ("gate", InstrumentKind.SPOT, STOP_LIMIT, False),
        ("gate", InstrumentKind.SPOT, {**STOP_LIMIT, "params": {"expiration": 600_000}}, False),
        ("gate", InstrumentKind.SPOT, {**STOP_LIMIT, "params": {"expiration": "600"}}, True),
        ("gate", InstrumentKind.SPOT, BUY, True),
        ("bitget", InstrumentKind.SPOT, BUY, True),
        ("gate", InstrumentKind.SPOT, {**BUY, "side": Side.SELL}, False),
        ("gate", InstrumentKind.LINEAR, BUY, False),
        ("okx", InstrumentKind.SPOT, BUY, False),
        ("kraken", InstrumentKind.SPOT, BUY, False),
        ("kucoin", InstrumentKind.SPOT, BUY, False),
        ("kucoin", InstrumentKind.LINEAR, {"time_in_force": "FOK"}, True),
        ("kucoin", InstrumentKind.SPOT, {"time_in_force": "FOK"}, False),
        ("okx", InstrumentKind.LINEAR, {"time_in_force": "FOK"}, False),
    ],
)
def test_forms_without_native_support_are_refused(
    venue: str, kind: InstrumentKind, changes: dict[str, Any], is_refused: bool
) -> None:
    order = an_order(**changes)
    if not is_refused:
        refuse_unsupported_order(order, instrument(kind), get_profile(venue))
        return
    with pytest.raises(Invalid) as caught:
        refuse_unsupported_order(order, instrument(kind), get_profile(venue))
    assert caught.value.code == "order_type_not_supported"


def test_the_refusal_of_a_stop_says_why() -> None:
    with pytest.raises(Invalid, match="do not name the order that they place"):
        refuse_unsupported_order(
            an_order(**STOP), instrument(InstrumentKind.SPOT), get_profile("kucoin")
        )


def test_capability_records_of_recorded_venues() -> None:
    """Each venue is labeled as recorded, with its amend modes, with triggers or without."""
    edits = {"okx": "native", "kraken": "native", "gate": "native"}
    for venue in SYMBOLS:
        capabilities = build_capabilities(load_venues()[venue], "live")
        assert capabilities["label"].value == "recorded"
        for kind in load_venues()[venue].declared.keys() & {"spot", "linear"}:
            assert capabilities["edit"].value[kind] == edits.get(venue, "emulated")
            types = capabilities["order_types"].value[kind]
            with_stops = WITH_CONTRACT_STOPS if kind == "linear" else (*WITH_STOPS, "gate")
            has_all = (venue, kind) != ("gate", "spot")
            stops = [each for each in STOP_TYPES if has_all or "limit" in each]
            assert types == [*PLAIN_TYPES, *(stops if venue in with_stops else [])]
            has_separate_trigger = venue != "kraken"
            assert capabilities["conditional_list"].value[kind] == (
                "separate" if has_separate_trigger else "same"
            )
    gate = build_capabilities(load_venues()["gate"], "live")["client_id"].value
    assert gate["rendering"] == "t- and 28 hex characters" and gate["look_up"] == "scan"
    assert gate["absence"] == "lists"
