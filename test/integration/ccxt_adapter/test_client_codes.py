"""Row 19: every listed code through the loopback exchange and real ccxt, at create and at cancel.

The same table on Bybit, on Binance under its production names over TLS, and on Binance by other
URLs, where ccxt does not know the host and skips the futures error table.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest

from kit.exchanges.loopback_process import LoopbackExchange
from oms.adapters.ccxt.client.request_errors import ReadFailed, RequestError
from oms.adapters.ccxt.client.venue_client import VenueClient

Opened = Callable[..., Awaitable[VenueClient]]
#: Kind, code and reason as reported, and the HTTP status and body that cause them.
Row = tuple[str, str, str | None, int, Mapping[str, Any]]

SPOT, LINEAR = "BTC/USDT", "BTC/USDT:USDT"
REJECTED, OVERLOADED, UNKNOWN, SO = "Rejected", "Overloaded", "OutcomeUnknown", "already so"
LOAD, DOUBT = "exchange_rate_limited", "outcome_unknown"
CREATE = {"bybit": "order/create", "binance": "v1/order", "spot": "api/v3/order"}
CANCEL = {"bybit": "order/cancel", "binance": "v1/order", "spot": "api/v3/order"}


def bybit(code: int, kind: str, word: str, reason: str | None = None, text: str = "so") -> Row:
    body = {"retCode": code, "retMsg": text, "result": {}, "retExtInfo": {}, "time": 1}
    return kind, word, reason, 200, body


def binance(
    code: int, kind: str, word: str, reason: str | None = None, text: str = "so", status: int = 400
) -> Row:
    return kind, word, reason, status, {"code": code, "msg": text}


BYBIT: Sequence[Row] = [
    *[bybit(code, REJECTED, "insufficient_funds") for code in (110007, 110004, 110012, 110045)],
    bybit(110003, REJECTED, "exchange_rejected", "price_band"),
    bybit(110017, REJECTED, "exchange_rejected", "reduce_only"),
    bybit(110094, REJECTED, "exchange_rejected", "notional"),
    *[bybit(code, REJECTED, "exchange_rejected", "trigger_side") for code in (110092, 110093)],
    bybit(110001, REJECTED, "order_not_found"),
    *[bybit(code, REJECTED, "auth_failed") for code in (10003, 10004)],
    *[bybit(code, REJECTED, "auth_failed", "permission") for code in (10005, 10010)],
    *[bybit(code, OVERLOADED, LOAD) for code in (10006, 10018)],
    *[(OVERLOADED, LOAD, None, status, {"outcome_of": "stop"}) for status in (403, 429, 418)],
    bybit(10002, REJECTED, "clock_skew"),
    bybit(10001, REJECTED, "position_mode_mismatch", text="position idx not match position mode"),
    *[bybit(code, SO, "") for code in (110025, 110043)],
    bybit(10016, UNKNOWN, DOUBT, "exchange_in_doubt"),
    bybit(98765, UNKNOWN, DOUBT, "unlisted_code"),
    (UNKNOWN, DOUBT, "unlisted_code", 200, {"outcome_of": "no code"}),
    bybit(110072, UNKNOWN, DOUBT, "duplicate_client_id"),
]
BYBIT_SPOT: Sequence[Row] = [
    bybit(170131, REJECTED, "insufficient_funds"),
    bybit(170140, REJECTED, "exchange_rejected", "notional"),
    bybit(170213, REJECTED, "order_not_found"),
    bybit(170141, UNKNOWN, DOUBT, "duplicate_client_id"),
]
NO_BALANCE = "Account has insufficient balance for requested action."
BINANCE: Sequence[Row] = [
    binance(-2019, REJECTED, "insufficient_funds", text="Margin is insufficient."),
    binance(-2010, REJECTED, "insufficient_funds", text=NO_BALANCE),
    binance(-2010, REJECTED, "exchange_rejected", text="Order would immediately trigger."),
    binance(-2022, REJECTED, "exchange_rejected", "reduce_only"),
    binance(-4164, REJECTED, "exchange_rejected", "notional"),
    *[
        binance(-1013, REJECTED, "exchange_rejected", text=f"Filter failure: {name}")
        for name in ("LOT_SIZE", "PRICE_FILTER")
    ],
    *[binance(code, REJECTED, "order_not_found") for code in (-2011, -2013)],
    *[binance(code, REJECTED, "auth_failed") for code in (-1022, -2014, -2015)],
    *[binance(code, OVERLOADED, LOAD) for code in (-1015, -1003)],
    *[binance(-1003, OVERLOADED, LOAD, status=status) for status in (418, 429)],
    *[(OVERLOADED, LOAD, None, status, {"outcome_of": "stop"}) for status in (418, 429)],
    binance(-1021, REJECTED, "clock_skew"),
    binance(-4061, REJECTED, "position_mode_mismatch"),
    binance(-4059, SO, ""),
    *[binance(n, UNKNOWN, DOUBT, "exchange_in_doubt") for n in (-1006, -1007, -1001, -1008)],
    binance(-1008, UNKNOWN, DOUBT, "exchange_in_doubt", status=503),
    binance(-1000, UNKNOWN, DOUBT, "http_500", status=500),
    binance(-98765, UNKNOWN, DOUBT, "unlisted_code"),
    binance(-4116, UNKNOWN, DOUBT, "duplicate_client_id"),
    binance(-2010, UNKNOWN, DOUBT, "duplicate_client_id", text="Duplicate order sent."),
]
#: Not listed, but raised as a ccxt class that is a rejection: kind and code come from the class.
CLASSES = {
    "bybit": [
        bybit(110006, REJECTED, "insufficient_funds"),
        bybit(110005, REJECTED, "exchange_rejected"),
        bybit(110008, REJECTED, "exchange_rejected"),
        bybit(33004, REJECTED, "auth_failed"),
        bybit(10028, REJECTED, "auth_failed", "permission"),
        bybit(10009, REJECTED, "auth_failed"),
        bybit(110029, REJECTED, "exchange_rejected"),
    ],
    "binance_tls": [
        binance(-4131, REJECTED, "exchange_rejected"),
        binance(-4118, REJECTED, "exchange_rejected"),
        binance(-2018, REJECTED, "insufficient_funds"),
    ],
}
TABLES: Sequence[tuple[str, str, Sequence[Row]]] = [
    ("bybit", LINEAR, BYBIT),
    ("bybit", SPOT, BYBIT_SPOT),
    *[
        (dialect, symbol, BINANCE)
        for dialect in ("binance", "binance_tls")
        for symbol in (LINEAR, SPOT)
    ],
]


async def outcome_of(client: VenueClient, verb: str, symbol: str) -> tuple[str, str, str | None]:
    """Returns the outcome of one write."""
    try:
        if verb == "create":
            answer = await client.write("create_order", symbol, "limit", "buy", "0.1", "50000")
        else:
            answer = await client.write("cancel_order", "1", symbol)
    except RequestError as fault:
        return type(fault).__name__, fault.code, fault.reason
    return (SO, "", None) if answer.get("already") else ("accepted", "", None)


def place(dialect: str, symbol: str, verb: str) -> str:
    name = dialect.removesuffix("_tls")
    key = "spot" if name == "binance" and symbol == SPOT else name
    return (CREATE if verb == "create" else CANCEL)[key]


async def differing(
    venue: LoopbackExchange,
    opened: Opened,
    dialect: str,
    symbol: str,
    verb: str,
    rows: Sequence[Row],
) -> list[tuple[Any, ...]]:
    """The rows with another outcome, and that outcome; each was sent once."""
    found, match = list[tuple[Any, ...]](), place(dialect, symbol, verb)
    quick = venue.startup["extra_config"][dialect] | {"rateLimit": 1}
    client = await opened(dialect, extra_config=quick)
    for kind, word, reason, status, body in rows:
        before = len(venue.paths(match))
        times = 2 if word == "clock_skew" else 1
        venue.control("fault", match=match, mode="json", status=status, body=body, count=times)
        seen = await outcome_of(client, verb, symbol)
        sent = len(venue.paths(match)) - before
        if seen != (kind, word, reason) or sent != times:
            found.append((status, body, seen, sent))
        if kind == OVERLOADED:
            client = await opened(
                dialect, shares=False, extra_config=quick
            )  # its bucket is paused now
    return found


@pytest.mark.parametrize("verb", ["create", "cancel"])
@pytest.mark.parametrize(("dialect", "symbol", "rows"), TABLES)
async def test_every_listed_code(
    venue: LoopbackExchange,
    opened: Opened,
    dialect: str,
    symbol: str,
    rows: Sequence[Row],
    verb: str,
) -> None:
    assert await differing(venue, opened, dialect, symbol, verb, rows) == []
    assert venue.books()["orders"] == []


@pytest.mark.parametrize("dialect", sorted(CLASSES))
async def test_a_rejecting_class_decides_without_a_listed_code(
    venue: LoopbackExchange, opened: Opened, dialect: str
) -> None:
    rows = CLASSES[dialect]
    assert await differing(venue, opened, dialect, LINEAR, "create", rows) == []


@pytest.mark.parametrize("dialect", ["binance", "binance_tls"])
async def test_a_query_without_the_order(
    venue: LoopbackExchange, opened: Opened, dialect: str
) -> None:
    client = await opened(dialect)
    body = {"code": -2013, "msg": "Order does not exist."}
    venue.control("fault", match="fapi/v1/order", mode="json", status=400, body=body)
    with pytest.raises(ReadFailed) as failed:
        await client.read("fetch_order", "1", LINEAR)
    assert (failed.value.code, failed.value.retryable) == ("order_not_found", False)
