"""Command bodies: parsing, tolerated keys, errors."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from oms.domain.commands.account_commands import PaperDeposit, PaperPrice, PaperReset
from oms.domain.commands.command import CancelOrder, ChangeOrder, ClosePosition, SendOrder
from oms.domain.orders.order import Side
from oms.wire.commands.command_requests import (
    CommandRequest,
    read_commands,
    read_paper_deposit,
    read_paper_price,
    read_paper_reset,
)
from oms.wire.json import dumps
from oms.wire.request_body import Malformed, load_body

ORDER = {"symbol": "BTC/USDT", "side": "buy", "order_type": "market", "qty": "0.01"}


def read(payload: dict[str, Any], command: str = "send_order", **envelope: Any) -> CommandRequest:
    """Return the single command of a body."""
    body = {"account_id": 7, "command": command, "payload": payload} | envelope
    (request,) = read_commands(load_body(dumps(body).encode()), 10)
    return request


def sent(**changes: Any) -> SendOrder:
    """Return the order of a payload."""
    payload = read(ORDER | changes).payload
    assert isinstance(payload, SendOrder)
    return payload


def refused(payload: dict[str, Any], command: str = "send_order", **envelope: Any) -> Malformed:
    """Return the errors of a body."""
    with pytest.raises(Malformed) as wrong:
        read(payload, command, **envelope)
    return wrong.value


def test_a_plain_order() -> None:
    assert read(ORDER, request_id="r-1") == CommandRequest(
        account_id=7,
        request_id="r-1",
        payload=SendOrder(
            symbol="BTC/USDT", side=Side.BUY, order_type="market", qty=Decimal("0.01")
        ),
    )


def test_aliases_mean_the_same() -> None:
    usual = sent(order_type="limit", price="10", oms_stop_loss="1", oms_stop_gain="20")
    alias = {"symbol": "BTC/USDT", "side": "BUY", "type": "Limit", "amount": "0.01", "price": 10}
    assert read(alias | {"stop_loss": "1", "stop_gain": 20}).payload == usual


def test_an_alias_that_contradicts_is_refused() -> None:
    (error,) = refused(ORDER | {"amount": "0.02"}).errors
    assert error["loc"] == [0, "payload", "amount"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.1", "0.1"),
        ("0.10000000000000000555", None),
        ("1e-18", "1e-18"),
        ("1e17", "1e17"),
        ("1e18", None),
        ("123456789012345678.123456789012345678", "123456789012345678.123456789012345678"),
        ("0." + "0" * 50 + "1", None),
        ("0.5" + "0" * 50 + "1", None),
        ("1e400", None),
        ("1e-400", None),
        ("-1", None),
        ("0", None),
    ],
)
def test_numbers_are_read_from_their_text(text: str, number: str | None) -> None:
    for written in (text, f'"{text}"'):
        body = dumps({"account_id": 1, "command": "send_order", "payload": ORDER | {"qty": "@"}})
        raw = body.replace('"@"', written).encode()
        if number is None:
            with pytest.raises(Malformed) as wrong:
                read_commands(load_body(raw), 10)
            assert wrong.value.errors[0]["loc"] == [0, "payload", "qty"]
        else:
            (request,) = read_commands(load_body(raw), 10)
            assert isinstance(request.payload, SendOrder)
            assert request.payload.qty == Decimal(number)


@pytest.mark.parametrize("qty", ["NaN", "Infinity", "1_0", " 1", "１", "0x1", "", True, ["1"], {}])
def test_invalid_numbers_are_refused(qty: object) -> None:
    assert refused(ORDER | {"qty": qty}).errors[0]["loc"] == [0, "payload", "qty"]


def test_null_is_absent() -> None:
    assert sent(price=None, comment=None, params=None, strategy_id=None) == sent()
    assert read(ORDER, request_id=None).request_id is None


def test_price_zero_is_absent_on_a_market_order_only() -> None:
    assert sent(price=0) == sent(price="0.0") == sent()
    assert refused(ORDER | {"price": False}).errors[0]["loc"] == [0, "payload", "price"]
    limit = refused(ORDER | {"order_type": "limit", "price": 0})
    assert limit.errors[0]["loc"] == [0, "payload", "price"]


@pytest.mark.parametrize("order_type", ["limit", "stop_limit", "take_profit_limit"])
def test_limit_types_need_a_price(order_type: str) -> None:
    assert refused(ORDER | {"order_type": order_type}).errors[0]["loc"] == [0, "payload", "price"]


def test_extra_is_merged_and_params_win() -> None:
    order = sent(extra={"a": 1, "b": 1.5}, params={"a": 2})
    assert order.params == {"a": 2, "b": 1.5}


def test_ccxt_names_move_to_their_fields() -> None:
    order = sent(params={"reduceOnly": True, "timeInForce": "gtc", "clientOrderId": "me", "z": 1})
    assert (order.reduce_only, order.time_in_force, order.client_order_id) == (True, "GTC", "me")
    assert order.params == {"z": 1}
    assert sent(params={"clientOrderId": "me"}, client_order_id="other").client_order_id == "other"


def test_a_trigger_makes_the_order_conditional() -> None:
    """Ignoring the key would execute the opposite of the request."""
    assert sent(params={"triggerPrice": 5}).order_type == "stop_market"
    assert sent(order_type="limit", price=1, stop_price=5).order_type == "stop_limit"
    assert sent(take_profit_price=5).order_type == "take_profit_market"
    assert sent(trailing_amount=5).order_type == "trailing_stop"
    close = read({"position_id": 1, "params": {"stopPrice": 5}}, "close_position").payload
    assert isinstance(close, ClosePosition)
    assert (close.order_type, close.trigger_price) == ("stop_market", Decimal(5))
    close = read({"position_id": 1, "params": {"takeProfitPrice": 5}}, "close_position").payload
    assert isinstance(close, ClosePosition)
    assert (close.order_type, close.trigger_price) == ("take_profit_market", Decimal(5))
    close = read({"position_id": 1, "trailing_percent": "1.5"}, "close_position").payload
    assert isinstance(close, ClosePosition)
    assert (close.order_type, close.trailing_percent) == ("trailing_stop", Decimal("1.5"))


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"order_type": "stop_market"}, "trigger_price"),
        ({"order_type": "take_profit_limit", "price": 5}, "trigger_price"),
        ({"order_type": "trailing_stop"}, "trailing_amount"),
        ({"trailing_amount": 1, "trailing_percent": 1}, "trailing_amount"),
        (
            {"order_type": "stop_market", "trigger_price": 5, "trailing_amount": 1},
            "trailing_amount",
        ),
        ({"order_type": "stop_market", "take_profit_price": 5}, "take_profit_price"),
        ({"take_profit_price": 5, "trigger_price": 6}, "take_profit_price"),
    ],
)
def test_one_trigger_of_the_right_kind(changes: dict[str, Any], place: str) -> None:
    (error,) = refused(ORDER | changes).errors
    assert error["loc"] == [0, "payload", place]


def test_take_profit_price_is_the_trigger_of_a_take_profit() -> None:
    order = sent(order_type="take_profit_limit", price=4, take_profit_price=5)
    assert order.trigger_price == Decimal(5)
    assert sent(take_profit_price=5, trigger_price="5.0").order_type == "take_profit_market"


def test_an_expiry_belongs_to_gtd_and_gtd_to_an_expiry() -> None:
    moment = "2026-03-01T12:00:00+01:00"
    order = sent(time_in_force="gtd", expires_at=moment)
    assert order.expires_at == datetime(2026, 3, 1, 11, tzinfo=UTC)
    for changes in ({"time_in_force": "GTD"}, {"expires_at": moment}):
        assert refused(ORDER | changes).errors[0]["loc"] == [0, "payload", "expires_at"]
    close = refused({"position_id": 1, "time_in_force": "GTD"}, "close_position")
    assert close.errors[0]["loc"] == [0, "payload", "time_in_force"]


def test_errors_name_the_key_that_was_sent() -> None:
    wrong = refused({"symbol": "X", "side": "up", "type": "odd", "amount": "x", "lots": 1})
    assert [error["loc"] for error in wrong.errors] == [
        [0, "payload", "side"],
        [0, "payload", "type"],
        [0, "payload", "amount"],
        [0, "payload", "lots"],
    ]
    wrong = refused(ORDER | {"extra": {"reduceOnly": "yes"}})
    assert wrong.errors[0]["loc"] == [0, "payload", "extra", "reduceOnly"]


def test_request_ids_of_the_gateway_are_refused() -> None:
    error = refused(ORDER, request_id="oms:kill:7")
    assert (error.code, error.errors[0]["loc"]) == ("validation_error", [0, "request_id"])
    assert read(ORDER, request_id="oms-kill:7").request_id == "oms-kill:7"


def test_unknown_keys_are_refused() -> None:
    assert refused(ORDER, lot=1).errors[0]["loc"] == [0, "lot"]
    assert refused(ORDER | {"lot": 1}).errors[0]["loc"] == [0, "payload", "lot"]
    close = refused({"position_id": 1, "stop_loss": 1}, "close_position")
    assert close.errors[0]["loc"] == [0, "payload", "stop_loss"]


@pytest.mark.parametrize("key", ["signal_id", "source_id"])
def test_no_caller_sends_a_signal_or_its_orders(key: str) -> None:
    assert refused({"signal_id": 1}, "signal").errors[0]["loc"] == [0, "command"]
    assert refused(ORDER | {key: 1}).errors[0]["loc"] == [0, "payload", key]
    assert refused({"position_id": 3, key: 1}, "close_position").errors[0]["loc"] == [
        0,
        "payload",
        key,
    ]


def test_ignored_keys_of_a_close() -> None:
    idle = {"reduce_only": False, "oms_stop_loss": "x", "oms_stop_gain": 3}
    assert read({"position_id": "5"} | idle, "close_position").payload == ClosePosition(
        position_id=5
    )


def test_orders_to_cancel_are_a_union() -> None:
    payload = {"order_id": "3", "order_ids": [5, "3"], "order_ids_csv": "4, 5,"}
    assert read(payload, "cancel_order").payload == CancelOrder(order_ids=(3, 4, 5))
    assert read({"order_id": None, "order_ids": [1]}, "cancel_order").payload == CancelOrder(
        order_ids=(1,)
    )
    assert refused({"order_id": None}, "cancel_order").errors[0]["type"] == "missing"


def test_a_change_needs_something_new() -> None:
    assert read({"order_id": 1, "new_qty": 2}, "CHANGE_ORDER").payload == ChangeOrder(
        order_id=1, new_qty=Decimal(2)
    )
    assert refused({"order_id": 1}, "change_order").errors[0]["loc"] == [0, "payload", "new_price"]


@pytest.mark.parametrize("account_id", [0, -1, 2**53, "x", 1.5, True, "1" * 30])
def test_ids(account_id: object) -> None:
    assert refused(ORDER, account_id=account_id).errors[0]["loc"] == [0, "account_id"]


def test_codes_of_whole_bodies() -> None:
    assert refused(ORDER, account_id=None).code == "missing_account_id"
    for word in ("cancel_all_orders", "close_all"):
        assert refused({}, word, account_id=None).code == "missing_account_id"
    assert refused({}, "send_money").code == "validation_error"


def test_a_list_names_the_index_and_counts_whole() -> None:
    good = {"account_id": 1, "command": "send_order", "payload": ORDER}
    with pytest.raises(Malformed) as wrong:
        read_commands([good, 5, good, good | {"payload": {}}], 10)
    assert {error["loc"][0] for error in wrong.value.errors} == {1, 3}
    with pytest.raises(Malformed, match="at most 3"):
        read_commands([good] * 4, 3)
    assert read_commands([], 3) == ()


def test_a_manual_price() -> None:
    price = read_paper_price({"symbol": "X", "price": "5", "unknown": 1})
    both = read_paper_price({"symbol": "X", "bid": 5, "ask": "5"})
    assert price == both
    for wrong in ({"symbol": "X"}, {"symbol": "X", "bid": 5}, {"symbol": "X", "bid": 6, "ask": 5}):
        with pytest.raises(Malformed):
            read_paper_price(wrong)


BOOK = {"bids": [["99", "1"], ["98.5", None]], "asks": [["100", 2]]}


def test_a_paper_price_may_be_a_book_and_a_print() -> None:
    trade = {"price": "99.5", "qty": 3, "side": "sell"}
    request = read_paper_price({"symbol": "X", "book": BOOK, "print": trade}).payload
    assert isinstance(request, PaperPrice)
    assert (request.bid, request.ask) == (99, 100)
    assert request.bids == ((Decimal(99), Decimal(1)), (Decimal("98.5"), None))
    assert (request.print_price, request.print_qty, request.print_side) == (
        Decimal("99.5"),
        3,
        Side.SELL,
    )
    alone = read_paper_price({"symbol": "X", "print": {"price": 1, "qty": 2}}).payload
    assert isinstance(alone, PaperPrice)
    assert (alone.bid, alone.ask, alone.print_side) == (None, None, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"symbol": "X"},
        {"symbol": "X", "bid": 1},
        {"symbol": "X", "bid": 1, "print": {"price": 1, "qty": 2}},
        {"symbol": "X", "price": 1, "book": BOOK},
        {"symbol": "X", "book": {"bids": [], "asks": [[1, 1]]}},
        {"symbol": "X", "book": {"bids": [[1, 1]]}},
        {"symbol": "X", "book": {"bids": [[1, 1], [1, 1]], "asks": [[2, 1]]}},
        {"symbol": "X", "book": {"bids": [[3, 1]], "asks": [[2, 1]]}},
        {"symbol": "X", "book": {"bids": [[1]], "asks": [[2, 1]]}},
        {"symbol": "X", "book": {"bids": [[1, 0]], "asks": [[2, 1]]}},
        {"symbol": "X", "print": {"price": 1}},
        {"symbol": "X", "print": {"price": 1, "qty": 1, "side": "up"}},
    ],
)
def test_invalid_paper_prices(wrong: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        read_paper_price(wrong)


def test_paper_deposits_and_resets() -> None:
    sent = {"currency": "USDT", "amount": "-2.5", "comment": "c"}
    deposit = read_paper_deposit(7, sent)
    assert deposit.account_id == 7
    assert deposit.payload == PaperDeposit(currency="USDT", amount=Decimal("-2.5"), comment="c")
    assert read_paper_reset(7, {}) == CommandRequest(payload=PaperReset(), account_id=7)
    for wrong in ({"currency": "USDT"}, {"currency": "US DT", "amount": 1}, sent | {"amount": 0}):
        with pytest.raises(Malformed):
            read_paper_deposit(7, wrong)
    with pytest.raises(Malformed):
        read_paper_reset(7, {"currency": "USDT"})
