"""Error responses become exceptions of ccxt's class and of RuntimeError."""

import io
import pickle
from email.message import Message
from importlib import import_module
from typing import Any
from urllib.error import HTTPError, URLError

import ccxt
import pytest

from ccxt_driver import errors
from ccxt_driver.ccxt_errors import own_error_classes
from ccxt_driver.errors import OmsDriverError, error_from_response, exception_class
from ccxt_driver.wire import Request
from kit.http.stub_transport import failure, make_exchange, results

COMMAND = Request(
    method="POST",
    path="/oms/commands",
    payload={"account_id": 7, "command": "send_order", "payload": {"client_order_id": "client-1"}},
)
ACCOUNTS = Request(method="GET", path="/oms/accounts")


def raised(request: Request, status: int, **detail: Any) -> OmsDriverError:
    body = {"detail": detail} if detail else {}
    return error_from_response(body.get("detail"), body, request, status=status)


def test_without_ccxt_the_errors_have_the_same_tree() -> None:
    members = vars(import_module("ccxt.base.errors")).items()
    theirs = {name: member for name, member in members if isinstance(member, type)}
    assert _trees(own_error_classes()) == _trees(theirs)


def _trees(classes: dict[str, type]) -> dict[str, list[str]]:
    return {name: [base.__name__ for base in each.__mro__] for name, each in classes.items()}


def test_ccxt_class_of_the_response_comes_first() -> None:
    error = raised(COMMAND, 502, code="exchange_error", ccxt_class="OrderImmediatelyFillable")
    assert isinstance(error, ccxt.OrderImmediatelyFillable)
    assert isinstance(error, ccxt.InvalidOrder)
    assert isinstance(error, RuntimeError)


@pytest.mark.parametrize("named", [None, "NoSuchError", "error_hierarchy", "Exception", 5])
def test_then_the_error_code(named: Any) -> None:
    error = raised(COMMAND, 502, code="insufficient_funds", ccxt_class=named)
    assert isinstance(error, ccxt.InsufficientFunds)


@pytest.mark.parametrize(
    ("status", "order_class", "other_class"),
    [
        (401, ccxt.AuthenticationError, ccxt.AuthenticationError),
        (403, ccxt.PermissionDenied, ccxt.PermissionDenied),
        (404, ccxt.OrderNotFound, ccxt.BadRequest),
        (409, ccxt.OperationRejected, ccxt.OperationRejected),
        (422, ccxt.InvalidOrder, ccxt.BadRequest),
        (429, ccxt.RateLimitExceeded, ccxt.RateLimitExceeded),
        (500, ccxt.ExchangeError, ccxt.ExchangeError),
        (502, ccxt.ExchangeError, ccxt.ExchangeError),
        (503, ccxt.ExchangeNotAvailable, ccxt.ExchangeNotAvailable),
        (504, ccxt.RequestTimeout, ccxt.RequestTimeout),
        (302, ccxt.ExchangeError, ccxt.ExchangeError),
    ],
)
def test_then_the_http_status(status: int, order_class: type, other_class: type) -> None:
    for request, expected in ((COMMAND, order_class), (ACCOUNTS, other_class)):
        for detail in ({}, {"code": "quite_new"}):
            error = raised(request, status, **detail)
            assert isinstance(error, RuntimeError)
            assert type(error).__mro__[1] is expected


def test_all_fields_of_the_error_are_attributes() -> None:
    detail = {
        "code": "insufficient_funds",
        "message": "free USDT is 5, needed are 10",
        "outcome": "rejected",
        "retryable": False,
        "request_id": "r-1",
        "results": [{"order_id": 42, "client_order_id": "client-2"}],
    }
    error = raised(COMMAND, 502, **detail)
    assert str(error) == "free USDT is 5, needed are 10"
    assert (error.code, error.outcome, error.retryable) == ("insufficient_funds", "rejected", False)
    assert (error.order_id, error.client_order_id) == ("42", "client-2")
    assert (error.request_id, error.response) == ("r-1", {"detail": detail})


def test_without_message_the_code_is_the_text() -> None:
    assert str(raised(COMMAND, 409, code="conflict")) == "conflict"
    assert str(raised(COMMAND, 502)) == "http_502"
    assert raised(COMMAND, 409, code="conflict").client_order_id == "client-1"


@pytest.mark.parametrize(
    ("request_", "status", "outcome"),
    [(COMMAND, 502, "unknown"), (COMMAND, 422, "not_sent"), (ACCOUNTS, 502, None)],
)
def test_outcome_of_a_response_without_one(
    request_: Request, status: int, outcome: str | None
) -> None:
    assert raised(request_, status).outcome == outcome


def test_an_unknown_outcome_is_not_retryable() -> None:
    detail = {"code": "x", "retryable": True}
    assert raised(COMMAND, 503, **detail, outcome="not_sent").retryable is True
    assert raised(COMMAND, 503, **detail, outcome="unknown").retryable is False
    assert raised(COMMAND, 503, **detail).retryable is False


def test_a_failed_result_raises_too() -> None:
    error = {"code": "risk_blocked", "message": "no", "ccxt_class": "OperationRejected"}
    exchange, _ = make_exchange(results({"ok": False, "order_id": 42, "error": error}))
    with pytest.raises(ccxt.OperationRejected, match=r"^no$") as caught:
        exchange.create_market_buy_order("BTC/USDT", 1)
    assert caught.value.order_id == "42"


def test_a_detail_of_plain_text() -> None:
    exchange, _ = make_exchange({"detail": "Method Not Allowed"})
    with pytest.raises(ccxt.ExchangeError, match="Method Not Allowed"):
        exchange.fetch_balance()


@pytest.mark.parametrize(
    ("cause", "expected", "code", "outcome"),
    [
        (ConnectionRefusedError(), ccxt.ExchangeNotAvailable, "exchange_unavailable", "not_sent"),
        (
            URLError(ConnectionRefusedError()),
            ccxt.ExchangeNotAvailable,
            "exchange_unavailable",
            "not_sent",
        ),
        (TimeoutError(), ccxt.RequestTimeout, "outcome_unknown", "unknown"),
        (ConnectionResetError(), ccxt.RequestTimeout, "outcome_unknown", "unknown"),
    ],
)
def test_no_response_to_an_order(cause: Any, expected: type, code: str, outcome: str) -> None:
    exchange, _ = make_exchange(cause)
    with pytest.raises(expected) as caught:
        exchange.create_market_buy_order("BTC/USDT", 1, {"clientOrderId": "client-1"})
    error = caught.value
    assert isinstance(error, RuntimeError)
    assert (error.code, error.outcome) == (code, outcome)  # type: ignore[attr-defined]
    assert error.retryable is (outcome == "not_sent")  # type: ignore[attr-defined]
    assert error.client_order_id == "client-1"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (TimeoutError(), ccxt.RequestTimeout),
        (ConnectionResetError(), ccxt.ExchangeNotAvailable),
        (ConnectionRefusedError(), ccxt.ExchangeNotAvailable),
    ],
)
def test_no_response_to_a_read(cause: Any, expected: type) -> None:
    exchange, _ = make_exchange(cause)
    with pytest.raises(expected) as caught:
        exchange.fetch_ticker("BTC/USDT")
    assert caught.value.retryable is True  # type: ignore[attr-defined]


def test_errors_of_a_urllib_transport() -> None:
    body = b'{"detail": {"code": "invalid_api_key", "message": "no"}}'
    http_error = HTTPError("http://x", 401, "Unauthorized", Message(), io.BytesIO(body))
    exchange, _ = make_exchange(http_error)
    with pytest.raises(ccxt.AuthenticationError, match=r"^no$"):
        exchange.create_market_buy_order("BTC/USDT", 1)


def test_other_exceptions_pass_unchanged() -> None:
    exchange, _ = make_exchange(KeyError("mine"))
    with pytest.raises(KeyError, match="mine"):
        exchange.fetch_balance()


def test_exception_classes_are_cached_and_module_attributes() -> None:
    assert exception_class("InvalidOrder") is exception_class("InvalidOrder")
    assert errors.InvalidOrder is exception_class("InvalidOrder")
    assert exception_class("NoSuchError") is errors.ExchangeError
    for name in ("NoSuchError", "error_hierarchy", "_secret"):
        assert not hasattr(errors, name)


def test_exceptions_can_be_pickled() -> None:
    error = raised(COMMAND, 502, code="insufficient_funds", message="too little")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (str(again), again.code) == ("too little", "insufficient_funds")


def test_the_error_of_a_list_is_that_of_its_first_result() -> None:
    exchange, _ = make_exchange(failure("order_not_found", ccxt_class="OrderNotFound"))
    with pytest.raises(ccxt.OrderNotFound):
        exchange.cancel_orders([1, 2])
