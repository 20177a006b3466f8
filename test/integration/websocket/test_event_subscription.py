"""Events over a real socket: in their order, each once, across drops, gaps and slow readers."""

import asyncio
import socket
from itertools import pairwise
from typing import Any

from integration.websocket.conftest import KEY, MakeStudio, Studio
from kit.databases.sql import execute, fetch_rows
from kit.http.websocket_client import Frame, connect_client

ALL = ["position", "command"]


def wish(studio: Studio, **more: object) -> dict[str, Any]:
    return {"account_ids": [studio.account_id], "namespaces": ALL, "refresh": False} | more


def is_chained(events: list[Frame], first: int) -> bool:
    """Whether each event names the one before it."""
    seqs = [first, *(event["seq"] for event in events)]
    return [(e["prev_seq"], e["seq"]) for e in events] == list(pairwise(seqs))


async def test_auth_and_subscribe_back_to_back(studio: Studio) -> None:
    await studio.trade()
    head = await studio.head()
    async with connect_client(studio.url) as ear:
        await ear.send("auth", {"api_key": KEY}, namespace="system")
        await ear.send("subscribe", wish(studio))
        await ear.receive_event("snapshot_done")
    names = [frame["event"] for frame in ear.frames]
    pair = ["snapshot_open_orders", "snapshot_open_positions"]
    assert names == ["connected", "authenticated", "subscribed", *pair, "snapshot_done"]
    hello, _, subscribed, _, positions, done = ear.frames
    assert hello["id"] == "server-hello"
    assert subscribed["payload"]["heads"] == {str(studio.account_id): head}
    assert subscribed["payload"]["denied"] == []
    assert positions["payload"]["seq"] == head
    assert [row["qty"] for row in positions["payload"]["items"]] == ["0.01"]
    (account,) = done["payload"]["accounts"]
    assert account["open_positions"] == 1
    assert account["seq"] == head


async def test_live_events_follow_the_snapshot(studio: Studio) -> None:
    await studio.trade()
    head = await studio.head()
    async with connect_client(studio.url, KEY) as ear:
        await ear.send("subscribe", wish(studio))
        await ear.receive_event("snapshot_done")
        await studio.trade(3)
        last = await studio.head()
        await ear.receive_seq(last)
    assert ear.seqs == list(range(head + 1, last + 1))
    assert is_chained(ear.events, head)
    answer = await studio.gateway.client(
        "GET", f"/oms/events?account_ids={studio.account_id}&after={head}&limit=1000"
    )
    items = answer.json()["items"]
    assert [{key: event[key] for key in items[0]} for event in ear.events] == items


async def test_nothing_is_missed_or_repeated_under_four_writers(studio: Studio) -> None:
    async with connect_client(studio.url, KEY) as ear:
        writers = [asyncio.create_task(studio.trade(20)) for _ in range(4)]
        await studio.trade()
        await ear.send("subscribe", wish(studio))  # in the middle of it
        done = await ear.receive_event("snapshot_done")
        await asyncio.gather(*writers)
        last = await studio.head()
        await ear.receive_seq(last)
    (account,) = done["payload"]["accounts"]
    assert last > account["seq"] + 100
    assert ear.seqs == list(range(account["seq"] + 1, last + 1))
    assert is_chained(ear.events, account["seq"])


async def test_a_dropped_listener_goes_on_exactly_where_it_was(studio: Studio) -> None:
    async with connect_client(studio.url, KEY) as ear:
        await ear.send("subscribe", wish(studio))
        writers = [asyncio.create_task(studio.trade(20)) for _ in range(2)]
        first = await ear.receive_until(lambda frame: frame.get("seq", 0) > 20)
        ear.connection.transport.abort()
    seen, told = first["seq"], ear.events
    async with connect_client(studio.url, KEY) as ear:
        await ear.send("subscribe", wish(studio, from_seq={str(studio.account_id): seen}))
        await asyncio.gather(*writers)
        last = await studio.head()
        await ear.receive_seq(last)
    everything = told + ear.events
    begin = told[0]["seq"]
    assert [event["seq"] for event in everything] == list(range(begin, last + 1))
    assert is_chained(ear.events, seen)
    assert not [frame for frame in ear.frames if frame["event"] == "snapshot_open_orders"]


async def test_a_slow_listener_is_closed_and_resumes_without_loss(
    make_studio: MakeStudio,
) -> None:
    async with make_studio(send_buffer=4096, frames_waiting_max=50) as studio:
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        narrow.setblocking(False)
        port = int(studio.url.rsplit(":", 1)[1].split("/")[0])
        await asyncio.get_running_loop().sock_connect(narrow, ("127.0.0.1", port))
        async with connect_client(studio.url, KEY, sock=narrow, max_queue=1) as ear:
            await ear.send("subscribe", wish(studio))
            await ear.receive_event("snapshot_done")
            writers = [asyncio.create_task(studio.trade(20)) for _ in range(4)]
            await asyncio.gather(*writers)  # and nothing is read meanwhile
            code, reason = await ear.wait_closed()
        assert code == 4409
        assert reason == f"last_seq={studio.account_id}:{ear.seqs[-1]}"
        seen, last = ear.seqs[-1], await studio.head()
        assert seen < last
        async with connect_client(studio.url, KEY) as again:
            await again.send("subscribe", wish(studio, from_seq={str(studio.account_id): seen}))
            await again.receive_seq(last)
        assert ear.seqs + again.seqs == list(range(ear.seqs[0], last + 1))


async def test_filters_make_numbers_jump_and_prev_seq_tells(studio: Studio) -> None:
    async with connect_client(studio.url, KEY) as ear:
        await ear.send("subscribe", wish(studio, namespaces=["command"]))
        await ear.receive_event("subscribed")
        await studio.trade(2)
        await ear.receive_seq(await studio.head())
    assert {event["event"] for event in ear.events} == {"command_updated"}
    assert is_chained(ear.events, ear.frames[1]["payload"]["heads"][str(studio.account_id)])


async def test_after_deals_the_pair_comes_again(studio: Studio) -> None:
    async with connect_client(studio.url, KEY) as ear:
        await ear.send("subscribe", wish(studio, refresh=True))
        await ear.receive_event("snapshot_done")
        await studio.trade()
        pair = await ear.receive_event("snapshot_open_positions")
        last = ear.seqs[-1]
        assert pair["action"] == "event"
        assert pair["payload"]["seq"] == last
        assert [row["qty"] for row in pair["payload"]["items"]] == ["0.01"]
        await studio.trade(5)
        await ear.receive_seq(await studio.head())
    assert ear.seqs == list(range(ear.seqs[0], ear.seqs[-1] + 1))


async def test_a_number_that_is_too_old_is_a_gap_and_a_snapshot(studio: Studio) -> None:
    await studio.trade(3)
    head = await studio.head()
    (oldest,) = fetch_rows(studio.dsn, "SELECT MIN(seq_to) FROM event_outbox WHERE seq > 8")[0]
    execute(studio.dsn, f"DELETE FROM event_outbox WHERE seq_to < {oldest}")
    async with connect_client(studio.url, KEY) as ear:
        await ear.send("subscribe", wish(studio, from_seq={str(studio.account_id): 2}))
        gap = await ear.receive_event("gap")
        pair = await ear.receive_event("snapshot_open_positions")
        await ear.receive_event("snapshot_done")
        await studio.trade()
        await ear.receive_seq(await studio.head())
    told = {"account_id": studio.account_id, "from": 3, "to": head, "reason": "retention"}
    assert gap["payload"] == told
    assert pair["payload"]["seq"] == head
    assert is_chained(ear.events, head)


async def test_a_number_that_never_was_is_a_gap(studio: Studio) -> None:
    await studio.trade()
    head = await studio.head()
    async with connect_client(studio.url, KEY) as ear:
        await ear.send("subscribe", wish(studio, from_seq={str(studio.account_id): head + 5}))
        gap = await ear.receive_event("gap")
        await ear.receive_event("snapshot_done")
    told = {"account_id": studio.account_id, "from": head + 1, "to": head + 5, "reason": "ahead"}
    assert gap["payload"] == told


async def test_resuming_by_an_event_id_is_exact(studio: Studio) -> None:
    await studio.trade(3)
    head = await studio.head()
    answer = await studio.gateway.client(
        "GET", f"/oms/events?account_ids={studio.account_id}&limit=1000"
    )
    items = answer.json()["items"]
    middle = items[len(items) // 2]
    async with connect_client(studio.url, KEY) as ear:
        await ear.send("subscribe", wish(studio, from_event_id=middle["event_id"]))
        await ear.receive_seq(head)
    assert ear.seqs == list(range(middle["seq"] + 1, head + 1))


async def test_events_of_two_accounts_come_each_in_order(studio: Studio) -> None:
    gateway = studio.gateway
    other = await gateway.add_account()
    async with connect_client(studio.url, "oms_an-admin-for-tests-only") as ear:
        await ear.send("subscribe", wish(studio, account_ids=[other, studio.account_id, 999]))
        subscribed = await ear.receive_event("subscribed")
        await ear.receive_event("snapshot_done")
        await studio.trade(2)
        await ear.receive_seq(await studio.head())
    assert subscribed["payload"]["denied"] == [999]
    snapshots = [f for f in ear.frames if f["event"] == "snapshot_open_orders"]
    assert [f["payload"]["account_id"] for f in snapshots] == sorted([studio.account_id, other])


async def test_a_new_subscribe_replaces_and_unsubscribe_ends(studio: Studio) -> None:
    async with connect_client(studio.url, KEY) as ear:
        await ear.request("subscribe", wish(studio))
        await ear.receive_event("snapshot_done")
        await ear.request("subscribe", wish(studio, with_snapshot=False))
        await studio.trade()
        await ear.receive_seq(await studio.head())
        assert len(ear.seqs) == len(set(ear.seqs))
        left = await ear.request("unsubscribe", {})
        assert left["payload"] == {"account_ids": []}
        count = len(ear.seqs)
        await studio.trade()
        await ear.request("ping")
    assert len(ear.seqs) == count
