"""Bodies of commands: what is read, what is tolerated, what is refused and how it is named."""

from decimal import Decimal
from typing import Any

import pytest

from oms.domain.command import CancelOrder, ChangeOrder, ClosePosition, SendOrder
from oms.domain.order import Side
from oms.wire.bodies import Malformed, load_body
from oms.wire.json import dumps
from oms.wire.wishes import Wish, read_commands, read_paper_price

ORDER = {"symbol": "BTC/USDT", "side": "buy", "order_type": "market", "qty": "0.01"}


def read(payload: dict[str, Any], command: str = "send_order", **envelope: Any) -> Wish:
    """The one wish of a body."""
    body = {"account_id": 7, "command": command, "payload": payload} | envelope
    (wish,) = read_commands(load_body(dumps(body).encode()), 10)
    return wish


def sent(**changes: Any) -> SendOrder:
    """The order that a payload means."""
    payload = read(ORDER | changes).payload
    assert isinstance(payload, SendOrder)
    return payload


def refused(payload: dict[str, Any], command: str = "send_order", **envelope: Any) -> Malformed:
    """What is wrong with a body."""
    with pytest.raises(Malformed) as wrong:
        read(payload, command, **envelope)
    return wrong.value


def test_a_plain_order() -> None:
    assert read(ORDER, request_id="r-1") == Wish(
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
        ("0." + "0" * 200 + "1", None),
        ("0.5" + "0" * 200 + "1", None),
        ("1e400", None),
        ("1e-999999", None),
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
            (wish,) = read_commands(load_body(raw), 10)
            assert isinstance(wish.payload, SendOrder)
            assert wish.payload.qty == Decimal(number)


@pytest.mark.parametrize("qty", ["NaN", "Infinity", "1_0", " 1", "１", "0x1", "", True, ["1"], {}])
def test_what_is_no_number_is_refused(qty: object) -> None:
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


def test_ccxt_spellings_move_to_their_fields() -> None:
    order = sent(params={"reduceOnly": True, "timeInForce": "gtc", "clientOrderId": "me", "z": 1})
    assert (order.reduce_only, order.time_in_force, order.client_order_id) == (True, "GTC", "me")
    assert order.params == {"z": 1}
    assert sent(params={"clientOrderId": "me"}, client_order_id="other").client_order_id == "other"


def test_a_trigger_makes_the_order_conditional() -> None:
    """Carried out at once it would be the opposite of what was asked."""
    assert sent(params={"triggerPrice": 5}).order_type == "stop_market"
    assert sent(order_type="limit", price=1, stop_price=5).order_type == "stop_limit"
    assert sent(take_profit_price=5).order_type == "take_profit_market"
    assert sent(trailing_amount=5).order_type == "trailing_stop"
    close = read({"position_id": 1, "params": {"stopPrice": 5}}, "close_position").payload
    assert isinstance(close, ClosePosition)
    assert (close.order_type, close.trigger_price) == ("stop_market", Decimal(5))


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


def test_unknown_keys_are_refused() -> None:
    assert refused(ORDER, lot=1).errors[0]["loc"] == [0, "lot"]
    assert refused(ORDER | {"lot": 1}).errors[0]["loc"] == [0, "payload", "lot"]
    close = refused({"position_id": 1, "stop_loss": 1}, "close_position")
    assert close.errors[0]["loc"] == [0, "payload", "stop_loss"]


def test_idle_keys_of_a_close() -> None:
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
    assert refused({}, "close_by").code == "unsupported_command"
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
