"""Marks of positions over a socket: for subscriptions that ask, on change, not too often."""

from itertools import pairwise
from typing import Any

from integration.websocket.conftest import KEY, ServedGateway
from kit.http.websocket_client import Frame, WebSocketClient, connect_client
from kit.http.wire_keys import assert_keys
from oms.api.websocket.position_marks import PositionMarks

SYMBOL = "BTC/USDT:USDT"
EVENT = "positions_marked"
KEYS = frozenset(
    [
        *("account_id", "position_id", "symbol", "qty", "mark_price", "mark_at"),
        *("market_value", "cost_basis", "unrealized_pnl"),
    ]
)


async def _subscribe(client: WebSocketClient, served: ServedGateway, **more: object) -> None:
    payload = {"account_ids": [served.account_id], "refresh": False, "marks": True} | more
    reply = await client.request("subscribe", payload)
    assert reply["ok"], reply


async def _marked(client: WebSocketClient, **expected: str) -> dict[str, Any]:
    """Return the next mark with these values."""

    def is_expected(frame: Frame) -> bool:
        return bool(_matching(frame, expected))

    return _matching(await client.receive_until(is_expected), expected)[0]


def _matching(frame: Frame, expected: dict[str, str]) -> list[dict[str, Any]]:
    marks = frame["payload"]["marks"] if frame["event"] == EVENT else []
    return [mark for mark in marks if expected.items() <= mark.items()]


async def test_marks_of_positions_follow_the_price_and_the_position(
    served: ServedGateway,
) -> None:
    await served.trade()
    async with connect_client(served.url, KEY) as client:
        await _subscribe(client, served)
        first = await _marked(client)
        assert_keys(first, KEYS)
        assert (first["qty"], first["cost_basis"], first["mark_price"]) == ("0.01", "500", "50000")
        names = [frame["event"] for frame in client.frames]
        assert names.index(EVENT) > names.index("snapshot_done")
        await served.gateway.set_price(SYMBOL, "51000")
        changed = await _marked(client, mark_price="51000")
        assert (changed["market_value"], changed["unrealized_pnl"]) == ("510", "10")
        await served.trade()
        assert (await _marked(client, qty="0.02"))["position_id"] == first["position_id"]


async def test_marks_that_did_not_change_are_not_sent_again(served: ServedGateway) -> None:
    await served.trade()
    async with connect_client(served.url, KEY) as client:
        await _subscribe(client, served)
        for price in ("50100", "50200", "50300"):
            await served.gateway.set_price(SYMBOL, price)
            await _marked(client, mark_price=price)
        await _subscribe(client, served, heartbeat_ms=1000)
        for _ in range(2):
            await client.receive_event("heartbeat")
        texts = [str(f["payload"]) for f in client.frames if f["event"] == EVENT]
    # A new subscription gets the present mark once.
    assert texts[-1] == texts[-2]
    assert all(one != next_one for one, next_one in pairwise(texts[:-1]))


async def test_nothing_is_sent_or_read_unless_it_is_asked_for(
    served: ServedGateway, monkeypatch: Any
) -> None:
    reads: list[PositionMarks] = []
    read = PositionMarks._send_marks

    async def counted(marks: PositionMarks) -> None:
        reads.append(marks)
        await read(marks)

    monkeypatch.setattr(PositionMarks, "_send_marks", counted)
    await served.trade()
    async with connect_client(served.url, KEY) as client:
        await _subscribe(client, served, marks=None, heartbeat_ms=1000)
        await _subscribe(client, served, namespaces=["ccxt"], heartbeat_ms=1000)
        await client.receive_event("heartbeat")
        await client.receive_event("heartbeat")
        assert reads == []
        await _subscribe(client, served, heartbeat_ms=1000)
        await _marked(client)
        await client.request("unsubscribe", {})
        before = len(reads)
        assert before
        for _ in range(2):
            await client.receive_event("heartbeat")
        assert len(reads) == before
    names = [frame["event"] for frame in client.frames]
    assert names.count(EVENT) == 1


async def test_a_key_of_strategies_gets_their_marks_only(served: ServedGateway) -> None:
    await served.trade()
    async with connect_client(served.url, KEY) as client:
        await _subscribe(client, served, strategy_ids=[99], heartbeat_ms=1000)
        for _ in range(2):
            await client.receive_event("heartbeat")
    assert EVENT not in [frame["event"] for frame in client.frames]
