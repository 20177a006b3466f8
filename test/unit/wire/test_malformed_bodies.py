"""Any body is parsed to commands or refused with ``Malformed``.

Invariants: a refusal names at least one location, its text is storable and short; an accepted
payload survives encoding unchanged.
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.wire.commands.command_codec import command_type_of, decode_payload, encode_payload
from oms.wire.commands.command_requests import read_ccxt_call, read_commands, read_paper_price
from oms.wire.request_body import Malformed, load_body

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["1", "0.5", "buy", "market", "limit", "1e400", "-0", 10**400, 1e308])
)
_JUNK = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)
_KEYS = st.sampled_from(
    [
        "symbol",
        "side",
        "order_type",
        "type",
        "qty",
        "amount",
        "price",
        "params",
        "extra",
        "strategy_id",
        "order_id",
        "order_ids",
        "order_ids_csv",
        "new_price",
        "new_qty",
        "position_id",
        "time_in_force",
        "expires_at",
        "comment",
        "reduce_only",
        "client_order_id",
        "stop_loss",
        "oms_stop_loss",
        "trigger_price",
        "stop_price",
        "take_profit_price",
        "trailing_amount",
        "strategy_ids",
        "strategy_ids_csv",
        "position_id_a",
        "position_id_b",
        "source_position_id",
        "target_position_id",
        "stop_mode",
        "nonsense",
    ]
)
_COMMANDS = st.sampled_from(
    [
        "send_order",
        "cancel_order",
        "cancel_all_orders",
        "change_order",
        "close_position",
        "close_all",
        "close_by",
        "merge_positions",
        "position_change",
        "break_even",
        "reverse_position",
        "reassign",
        "x",
        "",
        5,
    ]
)
_ENVELOPES = st.fixed_dictionaries(
    {"command": _COMMANDS, "payload": st.dictionaries(_KEYS, _JUNK) | _JUNK},
    optional={"account_id": st.just(1) | _JUNK, "request_id": _JUNK, "zz": _JUNK},
)


def check(raw: bytes) -> None:
    """Check the invariants for one body."""
    try:
        requests = read_commands(load_body(raw), 10)
    except Malformed as wrong:
        assert wrong.errors
        assert wrong.code in ("validation_error", "missing_account_id", "unsupported_command")
        json.dumps(wrong.errors, ensure_ascii=False).encode()
        return
    for request in requests:
        text = encode_payload(request.payload)
        text.encode()
        assert decode_payload(command_type_of(request.payload), text) == request.payload


@given(st.binary(max_size=200))
def test_bytes(raw: bytes) -> None:
    check(raw)


@given(_JUNK)
def test_any_json(value: Any) -> None:
    check(json.dumps(value).encode())


@given(_ENVELOPES | st.lists(_ENVELOPES, max_size=3))
def test_almost_commands(value: Any) -> None:
    check(json.dumps(value).encode())


@given(_JUNK)
def test_prices(value: Any) -> None:
    try:
        request = read_paper_price(load_body(json.dumps(value).encode()))
    except Malformed as wrong:
        assert wrong.errors
    else:
        assert decode_payload("paper_price", encode_payload(request.payload)) == request.payload


@given(_JUNK | st.fixed_dictionaries({"args": _JUNK, "kwargs": _JUNK}))
def test_calls(value: Any) -> None:
    try:
        call = read_ccxt_call("fetch_ticker", load_body(json.dumps(value).encode()))
    except Malformed as wrong:
        assert wrong.errors
    else:
        assert decode_payload("ccxt_call", encode_payload(call)) == call


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 900 + b"]" * 900,
        b'"\\ud800"',
        b'{"\\ud800":1}',
        b'{"a":"\\u0000"}',
        b"NaN",
        b"1e99999999999999999999",
        b"-" + b"9" * 5000,
        b"\xff",
        b"",
    ],
)
def test_known_traps(raw: bytes) -> None:
    with pytest.raises(Malformed):
        read_commands(load_body(raw), 10)


def test_params_may_not_be_deep() -> None:
    params: dict[str, Any] = {}
    for _ in range(200):
        params = {"a": params}
    order = {"symbol": "X", "side": "buy", "type": "market", "qty": 1, "params": params}
    body = {"account_id": 1, "command": "send_order", "payload": order}
    with pytest.raises(Malformed) as wrong:
        read_commands(body, 10)
    assert wrong.value.errors[0]["loc"] == [0, "payload", "params"]
