"""Events over a TCP socket: ordered, each once, across drops, gaps and slow readers."""

import asyncio
import socket
from itertools import pairwise
from typing import Any

from integration.websocket.conftest import KEY, MakeServedGateway, ServedGateway
from kit.databases.sql import execute, fetch_rows
from kit.http.websocket_client import Frame, connect_client

ALL = ["position", "command"]


def payload_of(served: ServedGateway, **more: object) -> dict[str, Any]:
    return {"account_ids": [served.account_id], "namespaces": ALL, "refresh": False} | more


def is_chained(events: list[Frame], first: int) -> bool:
    """Return whether each event's ``prev_seq`` is the event before it."""
    seqs = [first, *(event["seq"] for event in events)]
    return [(e["prev_seq"], e["seq"]) for e in events] == list(pairwise(seqs))


async def test_auth_and_subscribe_without_waiting(served: ServedGateway) -> None:
    await served.trade()
    head = await served.head()
    async with connect_client(served.url) as client:
        await client.send("auth", {"api_key": KEY}, namespace="system")
        await client.send("subscribe", payload_of(served))
        await client.receive_event("snapshot_done")
    names = [frame["event"] for frame in client.frames]
    pair = ["snapshot_open_orders", "snapshot_open_positions"]
    assert names == ["connected", "authenticated", "subscribed", *pair, "snapshot_done"]
    hello, _, subscribed, _, positions, done = client.frames
    assert hello["id"] == "server-hello"
    assert subscribed["payload"]["heads"] == {str(served.account_id): head}
    assert subscribed["payload"]["denied"] == []
    assert positions["payload"]["seq"] == head
    assert [row["qty"] for row in positions["payload"]["items"]] == ["0.01"]
    (account,) = done["payload"]["accounts"]
    assert account["open_positions"] == 1
    assert account["seq"] == head


async def test_live_events_follow_the_snapshot(served: ServedGateway) -> None:
    await served.trade()
    head = await served.head()
    async with connect_client(served.url, KEY) as client:
        await client.send("subscribe", payload_of(served))
        await client.receive_event("snapshot_done")
        await served.trade(3)
        last = await served.head()
        await client.receive_seq(last)
    assert client.seqs == list(range(head + 1, last + 1))
    assert is_chained(client.events, head)
    answer = await served.gateway.client(
        "GET", f"/oms/events?account_ids={served.account_id}&after={head}&limit=1000"
    )
    items = answer.json()["items"]
    assert [{key: event[key] for key in items[0]} for event in client.events] == items


async def test_no_event_is_lost_or_repeated_with_four_writers(served: ServedGateway) -> None:
    async with connect_client(served.url, KEY) as client:
        writers = [asyncio.create_task(served.trade(20)) for _ in range(4)]
        await served.trade()
        await client.send("subscribe", payload_of(served))  # during the writes
        done = await client.receive_event("snapshot_done")
        await asyncio.gather(*writers)
        last = await served.head()
        await client.receive_seq(last)
    (account,) = done["payload"]["accounts"]
    assert last > account["seq"] + 100
    assert client.seqs == list(range(account["seq"] + 1, last + 1))
    assert is_chained(client.events, account["seq"])


async def test_dropped_listener_resumes_exactly(served: ServedGateway) -> None:
    async with connect_client(served.url, KEY) as client:
        await client.send("subscribe", payload_of(served))
        writers = [asyncio.create_task(served.trade(20)) for _ in range(2)]
        first = await client.receive_until(lambda frame: frame.get("seq", 0) > 20)
        client.connection.transport.abort()
    seen, result = first["seq"], client.events
    async with connect_client(served.url, KEY) as client:
        await client.send("subscribe", payload_of(served, from_seq={str(served.account_id): seen}))
        await asyncio.gather(*writers)
        last = await served.head()
        await client.receive_seq(last)
    everything = result + client.events
    begin = result[0]["seq"]
    assert [event["seq"] for event in everything] == list(range(begin, last + 1))
    assert is_chained(client.events, seen)
    assert not [frame for frame in client.frames if frame["event"] == "snapshot_open_orders"]


async def test_slow_listener_is_closed_and_resumes_without_loss(
    make_served: MakeServedGateway,
) -> None:
    async with make_served(send_buffer=4096, frames_waiting_max=50) as served:
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        narrow.setblocking(False)
        port = int(served.url.rsplit(":", 1)[1].split("/")[0])
        await asyncio.get_running_loop().sock_connect(narrow, ("127.0.0.1", port))
        async with connect_client(served.url, KEY, sock=narrow, max_queue=1) as client:
            await client.send("subscribe", payload_of(served))
            await client.receive_event("snapshot_done")
            writers = [asyncio.create_task(served.trade(20)) for _ in range(4)]
            await asyncio.gather(*writers)  # without reading
            code, reason = await client.wait_closed()
        assert code == 4409
        assert reason == f"last_seq={served.account_id}:{client.seqs[-1]}"
        seen, last = client.seqs[-1], await served.head()
        assert seen < last
        async with connect_client(served.url, KEY) as again:
            await again.send(
                "subscribe", payload_of(served, from_seq={str(served.account_id): seen})
            )
            await again.receive_seq(last)
        assert client.seqs + again.seqs == list(range(client.seqs[0], last + 1))


async def test_prev_seq_marks_filtered_events(served: ServedGateway) -> None:
    async with connect_client(served.url, KEY) as client:
        await client.send("subscribe", payload_of(served, namespaces=["command"]))
        await client.receive_event("subscribed")
        await served.trade(2)
        await client.receive_seq(await served.head())
    assert {event["event"] for event in client.events} == {"command_updated"}
    assert is_chained(client.events, client.frames[1]["payload"]["heads"][str(served.account_id)])


async def test_snapshots_are_refreshed_after_deals(served: ServedGateway) -> None:
    async with connect_client(served.url, KEY) as client:
        await client.send("subscribe", payload_of(served, refresh=True))
        await client.receive_event("snapshot_done")
        await served.trade()
        pair = await client.receive_event("snapshot_open_positions")
        last = client.seqs[-1]
        assert pair["action"] == "event"
        assert pair["payload"]["seq"] == last
        assert [row["qty"] for row in pair["payload"]["items"]] == ["0.01"]
        await served.trade(5)
        await client.receive_seq(await served.head())
    assert client.seqs == list(range(client.seqs[0], client.seqs[-1] + 1))


async def test_resume_before_retention_is_a_gap_and_a_snapshot(served: ServedGateway) -> None:
    await served.trade(3)
    head = await served.head()
    (oldest,) = fetch_rows(served.dsn, "SELECT MIN(seq_to) FROM event_outbox WHERE seq > 8")[0]
    execute(served.dsn, f"DELETE FROM event_outbox WHERE seq_to < {oldest}")
    async with connect_client(served.url, KEY) as client:
        await client.send("subscribe", payload_of(served, from_seq={str(served.account_id): 2}))
        gap = await client.receive_event("gap")
        pair = await client.receive_event("snapshot_open_positions")
        await client.receive_event("snapshot_done")
        await served.trade()
        await client.receive_seq(await served.head())
    result = {"account_id": served.account_id, "from": 3, "to": head, "reason": "retention"}
    assert gap["payload"] == result
    assert pair["payload"]["seq"] == head
    assert is_chained(client.events, head)


async def test_resume_ahead_of_the_stream_is_a_gap(served: ServedGateway) -> None:
    await served.trade()
    head = await served.head()
    async with connect_client(served.url, KEY) as client:
        await client.send(
            "subscribe", payload_of(served, from_seq={str(served.account_id): head + 5})
        )
        gap = await client.receive_event("gap")
        await client.receive_event("snapshot_done")
    result = {"account_id": served.account_id, "from": head + 1, "to": head + 5, "reason": "ahead"}
    assert gap["payload"] == result


async def test_a_damaged_row_is_a_gap_and_later_events_follow(served: ServedGateway) -> None:
    await served.trade(3)
    head = await served.head()
    ((first, last),) = fetch_rows(
        served.dsn, "SELECT seq, seq_to FROM event_outbox WHERE seq > 2 ORDER BY seq LIMIT 1"
    )
    execute(served.dsn, f"UPDATE event_outbox SET payload_json = '[' WHERE seq = {first}")
    after = {str(served.account_id): first - 1}
    async with connect_client(served.url, KEY) as client:
        await client.send("subscribe", payload_of(served, from_seq=after))
        gap = await client.receive_event("gap")
        await client.receive_event("snapshot_done")
        await served.trade()
        await client.receive_seq(await served.head())
    query = f"account_ids={served.account_id}&after={served.account_id}:{first - 1}&limit=1000"
    answer = await served.gateway.client("GET", f"/oms/events?{query}")
    missing = {"account_id": served.account_id, "from": first}
    assert gap["payload"] == {**missing, "to": head, "reason": "damaged"}
    assert is_chained(client.events, head)
    assert answer.json()["gaps"] == [{**missing, "to": last}]
    seqs = [item["seq"] for item in answer.json()["items"]]
    assert seqs == list(range(last + 1, await served.head() + 1))


async def test_resume_by_event_id_is_exact(served: ServedGateway) -> None:
    await served.trade(3)
    head = await served.head()
    answer = await served.gateway.client(
        "GET", f"/oms/events?account_ids={served.account_id}&limit=1000"
    )
    items = answer.json()["items"]
    middle = items[len(items) // 2]
    async with connect_client(served.url, KEY) as client:
        await client.send("subscribe", payload_of(served, from_event_id=middle["event_id"]))
        await client.receive_seq(head)
    assert client.seqs == list(range(middle["seq"] + 1, head + 1))


async def test_events_are_ordered_per_account(served: ServedGateway) -> None:
    gateway = served.gateway
    other = await gateway.add_account()
    async with connect_client(served.url, "oms_an-admin-for-tests-only") as client:
        await client.send(
            "subscribe", payload_of(served, account_ids=[other, served.account_id, 999])
        )
        subscribed = await client.receive_event("subscribed")
        await client.receive_event("snapshot_done")
        await served.trade(2)
        await client.receive_seq(await served.head())
    assert subscribed["payload"]["denied"] == [999]
    snapshots = [f for f in client.frames if f["event"] == "snapshot_open_orders"]
    assert [f["payload"]["account_id"] for f in snapshots] == sorted([served.account_id, other])


async def test_subscribe_replaces_and_unsubscribe_ends(served: ServedGateway) -> None:
    async with connect_client(served.url, KEY) as client:
        await client.request("subscribe", payload_of(served))
        await client.receive_event("snapshot_done")
        await client.request("subscribe", payload_of(served, with_snapshot=False))
        await served.trade()
        await client.receive_seq(await served.head())
        assert len(client.seqs) == len(set(client.seqs))
        left = await client.request("unsubscribe", {})
        assert left["payload"] == {"account_ids": []}
        count = len(client.seqs)
        await served.trade()
        await client.request("ping")
    assert len(client.seqs) == count
