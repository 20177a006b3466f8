"""Decoding and encoding of frames."""

import json

import pytest

from oms.api.websocket.frames import (
    Frame,
    MalformedFrame,
    close_reason,
    error_frame,
    push_frame,
    read_frame,
    reply_frame,
)
from oms.domain.errors import Refused


@pytest.mark.parametrize("identity", [1, "a", None, 1.5, [1, {"b": [True]}], {"x": 2.25}])
def test_frame_id_is_returned_unchanged(identity: object) -> None:
    frame = read_frame(json.dumps({"id": identity, "action": "ping"}), "r")
    assert json.loads(reply_frame(frame, "pong", {}))["id"] == identity


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (None, "invalid_json"),
        ("", "invalid_json"),
        ("nonsense", "invalid_json"),
        ("[1]", "invalid_json"),
        ('{"action": NaN}', "invalid_json"),
        ('{"action": "\\u0000"}', "invalid_json"),
        ('{"action": "\\ud800"}', "invalid_json"),
        ('{"action": "ping", "action": "auth"}', "invalid_json"),
        ('{"id": 1E+999999999, "action": "ping"}', "invalid_json"),
        ('{"id": Infinity, "action": "ping"}', "invalid_json"),
        ('{"id": 1e400, "action": "ping"}', "validation_error"),
        ('{"id": [{"a": -1e309}], "action": "ping"}', "validation_error"),
        (json.dumps({"id": [1] * 100, "action": "ping"}), "validation_error"),
        ("{}", "validation_error"),
        ('{"action": 1}', "validation_error"),
        ('{"action": "ping", "payload": []}', "validation_error"),
        ('{"action": "ping", "namespace": 1}', "validation_error"),
    ],
)
def test_invalid_frames(text: str | None, code: str) -> None:
    with pytest.raises(MalformedFrame) as wrong:
        read_frame(text, "r")
    assert wrong.value.code == code


@pytest.mark.parametrize("identity", ["Infinity", "1e400", "[1e400]", "NaN", "1E+999999999"])
def test_no_reply_has_a_number_that_is_not_json(identity: str) -> None:
    with pytest.raises(MalformedFrame) as wrong:
        read_frame(f'{{"id": {identity}, "action": "ping"}}', "r")
    reply = json.loads(error_frame(wrong.value.frame, wrong.value), parse_constant=pytest.fail)
    assert reply["id"] is None


def test_malformed_frame_keeps_its_id() -> None:
    with pytest.raises(MalformedFrame) as wrong:
        read_frame('{"id": 7, "action": 1}', "r")
    assert json.loads(error_frame(wrong.value.frame, wrong.value))["id"] == 7


def test_keys_of_a_reply() -> None:
    frame = Frame(id=1, namespace="ccxt", action="call", payload={}, request_id="r")
    assert json.loads(reply_frame(frame, "ccxt_result", '{"result":1.50}')) == {
        "id": 1,
        "ok": True,
        "type": "ws_response",
        "namespace": "ccxt",
        "action": "call",
        "event": "ccxt_result",
        "payload": {"result": 1.5},
    }
    error = json.loads(error_frame(frame, Refused(code="not_found", message="no")))
    assert (error["ok"], error["event"]) == (False, "error")
    assert error["payload"]["request_id"] == "r"


def test_keys_of_a_push() -> None:
    assert json.loads(push_frame("gap", {"from": 1})) == {
        "id": None,
        "ok": True,
        "type": "ws_event",
        "namespace": "system",
        "action": "event",
        "event": "gap",
        "payload": {"from": 1},
    }


def test_a_close_reason_fits_into_its_frame() -> None:
    assert close_reason({1: 5, 22: 7}) == "last_seq=1:5,22:7"
    assert close_reason({}) == "last_seq="
    long = close_reason(dict.fromkeys(range(100), 10**9))
    assert 100 < len(long) <= 123
    assert long.rsplit(",", 1)[1].endswith(f":{10**9}")
