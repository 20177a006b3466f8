"""Every listed error code, raised by ccxt itself from a venue's body, and its classification."""

import asyncio
import json
from typing import Any

import ccxt
import pytest

from oms.adapters.ccxt.client.error_mapping import MESSAGE_MAX, classify_error
from oms.adapters.ccxt.client.request_errors import (
    HostMismatch,
    HttpReply,
    MissingOrderId,
    NotSent,
    OutcomeUnknown,
    Overloaded,
    ReadFailed,
    Rejected,
    RequestError,
    UnexpectedRedirect,
    UnreadableReply,
)

VENUES = {"bybit": ccxt.bybit(), "binance": ccxt.binance()}
URLS = {
    "bybit": "https://api.bybit.com/v5/order/create",
    "binance": "https://fapi.binance.com/fapi/v1/order",
}
UNRECOGNIZED = "http://127.0.0.1:18071/fapi/v1/order"

BYBIT: list[tuple[int, str, type[RequestError], str, str | None]] = [
    *((code, "x", Rejected, "insufficient_funds", None) for code in (110004, 110007, 110012)),
    *((code, "x", Rejected, "insufficient_funds", None) for code in (110045, 170131)),
    (110003, "x", Rejected, "exchange_rejected", "price_band"),
    (110017, "x", Rejected, "exchange_rejected", "reduce_only"),
    *((code, "x", Rejected, "exchange_rejected", "notional") for code in (110094, 170140)),
    *((code, "x", Rejected, "exchange_rejected", "trigger_side") for code in (110092, 110093)),
    *((code, "x", Rejected, "order_not_found", None) for code in (110001, 170213)),
    *((code, "x", Rejected, "auth_failed", None) for code in (10003, 10004)),
    *((code, "x", Rejected, "auth_failed", "permission") for code in (10005, 10010)),
    *((code, "x", Overloaded, "exchange_rate_limited", None) for code in (10006, 10018)),
    (10002, "x", Rejected, "clock_skew", None),
    (10001, "position idx not match position mode", Rejected, "position_mode_mismatch", None),
    *((code, "x", Rejected, "already_so", None) for code in (110025, 110043)),
    *((c, "x", OutcomeUnknown, "outcome_unknown", "duplicate_client_id") for c in (110072, 170141)),
    (10016, "x", OutcomeUnknown, "outcome_unknown", "exchange_in_doubt"),
    (987654, "x", OutcomeUnknown, "outcome_unknown", "unlisted_code"),
]
NO_FUNDS = "Account has insufficient balance for requested action."
BINANCE: list[tuple[int, str, type[RequestError], str, str | None]] = [
    (-2019, "x", Rejected, "insufficient_funds", None),
    (-2010, NO_FUNDS, Rejected, "insufficient_funds", None),
    (-2010, "Stop price would trigger immediately.", Rejected, "exchange_rejected", None),
    (-2010, "Duplicate order sent.", OutcomeUnknown, "outcome_unknown", "duplicate_client_id"),
    (-2022, "x", Rejected, "exchange_rejected", "reduce_only"),
    (-4164, "x", Rejected, "exchange_rejected", "notional"),
    (-1013, "Filter failure: LOT_SIZE", Rejected, "exchange_rejected", None),
    (-1013, "Filter failure: PRICE_FILTER", Rejected, "exchange_rejected", None),
    *((code, "x", Rejected, "order_not_found", None) for code in (-2011, -2013)),
    *((code, "x", Rejected, "auth_failed", None) for code in (-1022, -2014, -2015)),
    *((code, "x", Overloaded, "exchange_rate_limited", None) for code in (-1015, -1003)),
    (-1021, "x", Rejected, "clock_skew", None),
    (-4061, "x", Rejected, "position_mode_mismatch", None),
    (-4059, "x", Rejected, "already_so", None),
    (-4116, "x", OutcomeUnknown, "outcome_unknown", "duplicate_client_id"),
    *(
        (code, "x", OutcomeUnknown, "outcome_unknown", "exchange_in_doubt")
        for code in (-1006, -1007, -1001, -1008)
    ),
    (-987654, "x", OutcomeUnknown, "outcome_unknown", "unlisted_code"),
]


def raised(venue: str, url: str, status: int, body: str) -> BaseException:
    """The exception that ccxt raises for a reply, by the checks in ccxt's order."""
    exchange = VENUES[venue]
    try:
        content = exchange.parse_json(body)
        exchange.handle_errors(status, "reason", url, "POST", {}, body, content, {}, "")
        exchange.handle_http_status_code(status, "reason", url, "POST", body)
    except ccxt.BaseError as error:
        return error
    raise AssertionError("ccxt found nothing error")


def judged(venue: str, url: str, status: int, content: Any, **headers: str) -> RequestError:
    body = content if isinstance(content, str) else json.dumps(content)
    reply = HttpReply(status=status, headers=headers, body=body)
    error = raised(venue, url, status, body)
    return classify_error(error, headers_sent=True, venue=venue, is_write=True, reply=reply)


@pytest.mark.parametrize(("code", "message", "kind", "word", "reason"), BYBIT)
def test_codes_of_bybit(
    code: int, message: str, kind: type[RequestError], word: str, reason: str | None
) -> None:
    fault = judged("bybit", URLS["bybit"], 200, {"retCode": code, "retMsg": message})
    assert (type(fault), fault.code, fault.reason) == (kind, word, reason)
    assert (fault.venue_code, fault.headers_sent) == (str(code), True)


@pytest.mark.parametrize("url", [URLS["binance"], UNRECOGNIZED])
@pytest.mark.parametrize(("code", "message", "kind", "word", "reason"), BINANCE)
def test_codes_of_binance_whatever_the_host(
    code: int, message: str, kind: type[RequestError], word: str, reason: str | None, url: str
) -> None:
    fault = judged("binance", url, 400, {"code": code, "msg": message})
    assert (type(fault), fault.code, fault.reason) == (kind, word, reason)
    assert fault.venue_code == str(code)


def test_a_code_in_the_message_is_enough() -> None:
    error = ccxt.ExchangeError('binance {"code":-2019,"msg":"Margin is insufficient."}')
    fault = classify_error(error, headers_sent=True, venue="binance", is_write=True)
    assert (type(fault), fault.code) == (Rejected, "insufficient_funds")


def test_a_key_that_worked_before_is_still_refused() -> None:
    """ccxt takes the code for a temporary ban once a first call succeeded."""
    error = ccxt.DDoSProtection('binance {"code":-2015,"msg":"Invalid API-key."}')
    fault = classify_error(error, headers_sent=True, venue="binance", is_write=True)
    assert (type(fault), fault.code) == (Rejected, "auth_failed")


@pytest.mark.parametrize(
    ("status", "headers", "pause"),
    [
        (429, {}, 1.0),
        (429, {"Retry-After": "7"}, 7.0),
        (418, {"Retry-After": "7"}, 120.0),
        (418, {"retry-after": "300"}, 300.0),
        (403, {}, 1.0),
    ],
)
def test_overload_is_recognized_by_the_status(
    status: int, headers: dict[str, str], pause: float
) -> None:
    for venue, url in URLS.items():
        fault = judged(venue, url, status, "slow down", **headers)
        assert (type(fault), fault.code, fault.retry_after) == (
            Overloaded,
            "exchange_rate_limited",
            pause,
        )


@pytest.mark.parametrize("status", [400, 404, 409, 500, 502, 503, 504])
def test_a_status_alone_proves_nothing(status: int) -> None:
    for venue, url in URLS.items():
        fault = judged(venue, url, status, "upstream is not available")
        assert isinstance(fault, OutcomeUnknown)
        assert (fault.cause, fault.http_status) == (f"http_{status}", status)


def test_a_refusal_under_a_server_error_proves_nothing() -> None:
    fault = judged("binance", URLS["binance"], 503, {"code": -2019, "msg": "x"})
    assert (type(fault), fault.reason) == (OutcomeUnknown, "http_503")


def test_a_permission_code_under_403_is_no_overload() -> None:
    fault = judged("bybit", URLS["bybit"], 403, {"retCode": 10010, "retMsg": "Unmatched IP"})
    assert (type(fault), fault.code, fault.reason) == (Rejected, "auth_failed", "permission")


@pytest.mark.parametrize("cut", range(1, 40))
def test_half_a_refusal_proves_nothing(cut: int) -> None:
    whole = json.dumps({"retCode": 110007, "retMsg": "ab not enough"})
    reply = HttpReply(status=200, headers={}, body=whole[:cut])
    error = ccxt.InvalidOrder(f"bybit {whole[:cut]}")
    fault = classify_error(error, headers_sent=True, venue="bybit", is_write=True, reply=reply)
    assert isinstance(fault, OutcomeUnknown)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (ccxt.RequestTimeout("bybit POST"), "timeout"),
        (TimeoutError(), "timeout"),
        (ccxt.ExchangeNotAvailable("bybit POST"), "connection_lost"),
        (ccxt.ExchangeError("bybit POST"), "connection_lost"),
        (ccxt.BadResponse("bybit"), "connection_lost"),
        (ccxt.NullResponse("bybit"), "connection_lost"),
        (ccxt.OperationFailed("bybit"), "connection_lost"),
        (KeyError("orderId"), "connection_lost"),
        (asyncio.CancelledError(), "canceled"),
        (UnexpectedRedirect("HTTP 307"), "redirect"),
        (UnreadableReply("html"), "unreadable"),
        (MissingOrderId("create_order"), "no_id"),
        (ccxt.DuplicateOrderId("x"), "duplicate_client_id"),
    ],
)
def test_an_unproven_outcome_is_unknown(error: BaseException, cause: str) -> None:
    fault = classify_error(error, headers_sent=True, venue="bybit", is_write=True)
    assert isinstance(fault, OutcomeUnknown)
    assert (fault.code, fault.cause) == ("outcome_unknown", cause)


def test_a_local_failure_after_a_success_is_unknown() -> None:
    reply = HttpReply(status=200, headers={}, body='{"retCode":0,"result":{}}', is_accepted=True)
    error = ccxt.InvalidOrder("bybit parse")
    fault = classify_error(error, headers_sent=True, venue="bybit", is_write=True, reply=reply)
    assert (type(fault), fault.reason) == (OutcomeUnknown, "unreadable")


@pytest.mark.parametrize(
    ("error", "code", "pause"),
    [
        (ccxt.ArgumentsRequired("x"), "validation_error", None),
        (ccxt.BadSymbol("x"), "instrument_not_supported", None),
        (ccxt.NotSupported("x"), "order_type_not_supported", None),
        (ccxt.InvalidOrder("amount is below the precision"), "precision_mismatch", None),
        (ccxt.RateLimitExceeded("throttle queue is over maxCapacity"), "exchange_rate_limited", 1),
        (ccxt.AuthenticationError("requires apiKey"), "auth_failed", None),
        (ccxt.ExchangeClosedByUser("x"), "engine_unavailable", None),
        (ccxt.ExchangeNotAvailable("bybit POST"), "exchange_unavailable", 1),
        (ccxt.RequestTimeout("bybit POST"), "exchange_unavailable", 1),
        (OSError("no route"), "exchange_unavailable", 1),
        (asyncio.CancelledError(), "shutting_down", None),
        (HostMismatch("elsewhere"), "host_mismatch", None),
        (KeyError("x"), "internal_error", None),
    ],
)
def test_without_a_first_byte_nothing_was_sent(
    error: BaseException, code: str, pause: float | None
) -> None:
    fault = classify_error(error, headers_sent=False, venue="bybit", is_write=True)
    assert isinstance(fault, NotSent)
    assert (fault.code, fault.retry_after, fault.headers_sent) == (code, pause, False)


@pytest.mark.parametrize(
    ("error", "sent", "code", "retryable"),
    [
        (ccxt.ExchangeNotAvailable("x"), False, "exchange_unavailable", True),
        (ccxt.RequestTimeout("x"), True, "exchange_unavailable", True),
        (UnreadableReply("html"), True, "exchange_error", True),
        (HostMismatch("x"), False, "host_mismatch", False),
        (UnexpectedRedirect("x"), True, "exchange_error", False),
        (ccxt.BadSymbol("x"), False, "instrument_not_supported", False),
        (ccxt.OrderNotFound('bybit {"retCode":110001}'), True, "order_not_found", False),
        (ccxt.AuthenticationError('bybit {"retCode":10003}'), True, "auth_failed", False),
        (ccxt.RateLimitExceeded('bybit {"retCode":10006}'), True, "exchange_rate_limited", True),
    ],
)
def test_a_failed_read(error: BaseException, sent: bool, code: str, retryable: bool) -> None:
    fault = classify_error(error, headers_sent=sent, venue="bybit", is_write=False)
    assert isinstance(fault, ReadFailed)
    assert (fault.code, fault.retryable) == (code, retryable)


def test_messages_are_short_and_without_secrets() -> None:
    text = (
        "binance GET https://api.binance.com/api/v3/order?symbol=X&signature=abc SECRET "
        + "x" * 900
    )
    fault = classify_error(
        ccxt.ExchangeError(text),
        headers_sent=True,
        venue="binance",
        is_write=True,
        secrets=("SECRET", ""),
    )
    assert len(fault.message) == MESSAGE_MAX
    assert "abc" not in fault.message and "SECRET" not in fault.message
    assert fault.message.startswith("binance GET https://api.binance.com/api/v3/order ***")


def test_a_request_error_passes_through() -> None:
    fault = NotSent("expired_before_send", "too late")
    assert classify_error(fault, headers_sent=True, venue="bybit", is_write=True) is fault
