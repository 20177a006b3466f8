"""Invalid bodies: each gets one error and nothing is stored."""

from collections.abc import AsyncIterator

import pytest

from kit.gateway.in_process import InProcessGateway

LIMIT = 100_000


@pytest.fixture(autouse=True)
async def nothing_stored(gateway: InProcessGateway) -> AsyncIterator[None]:
    """The queue stays empty after each refusal."""
    yield
    assert await gateway.store.queue.depths() == {}


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"null", b'"x"', b"\xff", b"[" * 50_000, b"[NaN]", b"1" * 6000, b'["\\ud800"]'],
    ids=["empty", "cut", "null", "text", "utf8", "deep", "nan", "long", "surrogate"],
)
async def test_invalid_bodies_are_refused(gateway: InProcessGateway, raw: bytes) -> None:
    answer = await gateway.client("POST", "/oms/commands", raw=raw)
    assert (answer.status, answer.detail["code"]) == (422, "validation_error")
    assert answer.detail["errors"]


async def test_one_invalid_item_refuses_the_body(gateway: InProcessGateway) -> None:
    body = [gateway.command(), gateway.command(qty="NaN", lot=1)]
    answer = await gateway.client("POST", "/oms/commands", body)
    assert answer.status == 422
    assert [error["loc"] for error in answer.detail["errors"]] == [
        [1, "payload", "qty"],
        [1, "payload", "lot"],
    ]


async def test_too_many_items(gateway: InProcessGateway) -> None:
    answer = await gateway.client("POST", "/oms/commands", [gateway.command()] * 201)
    assert (answer.status, answer.detail["code"]) == (422, "validation_error")


async def test_too_many_bytes(gateway: InProcessGateway) -> None:
    answer = await gateway.client("POST", "/oms/commands", raw=b" " * (LIMIT + 1))
    assert (answer.status, answer.detail["code"]) == (413, "payload_too_large")
    pieces = [b" " * 10_000] * 11
    for path in ("/oms/commands", "/paper/price", f"/ccxt/{gateway.account_id}/fetch_balance"):
        answer = await gateway.client("POST", path, raw=pieces)
        assert (answer.status, answer.detail["code"]) == (413, "payload_too_large")
    assert "x-request-id" in answer.headers


async def test_control_commands_are_refused_on_the_command_route(gateway: InProcessGateway) -> None:
    for word in ("reassign", "paper_price", "ccxt_call"):
        body = {"account_id": gateway.account_id, "command": word, "payload": {}}
        answer = await gateway.client("POST", "/oms/commands", body)
        assert (answer.status, answer.detail["code"]) == (422, "validation_error")
        assert answer.detail["errors"][0]["loc"] == [0, "command"]
