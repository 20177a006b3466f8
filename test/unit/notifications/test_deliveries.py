"""Notifications: signature, retries, which sink gets which event, which addresses are public."""

import json
import logging
import os
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from kit.builders import NOON
from kit.machine_load import stretch
from kit.notifications.sink_server import open_sink_server
from oms.adapters.notifications import apprise_sender, webhook_sender
from oms.adapters.notifications.apprise_sender import AppriseSender
from oms.adapters.notifications.public_addresses import is_private_host, is_public
from oms.adapters.notifications.webhook_sender import WebhookSender
from oms.cli.parsers import sink_parser
from oms.domain.notifications.delivery import Delivery, DeliveryStatus, next_attempt
from oms.domain.notifications.signature import sign_message
from oms.domain.notifications.sink import DEFAULT_EVENTS, Sink, SinkKind, SinkStatus
from oms.domain.value import evolve
from oms.ports.runner.notifications import Message, SendError
from oms.wire.json import time_text
from oms.wire.notifications.messages import message_body

SINK = Sink(
    id=1,
    name="ops",
    kind=SinkKind.WEBHOOK,
    events=(),
    account_ids=(),
    min_interval_seconds=0,
    status=SinkStatus.ACTIVE,
    has_secret=True,
    created_at=NOON,
    created_by="ann",
)
MESSAGE = Message(event_id=42, event="deal_created", body='{"event_id":42}')
CLOSED = Message(
    event_id=43,
    event="position_closed",
    body=message_body(
        43,
        "position_closed",
        1,
        at=NOON,
        payload={
            "account_id": 1,
            "symbol": "BTC/USDT",
            "close_reason": None,
            "fees": {"USDT": "0.5", "BNB": "0.1"},
            "order_ids": [7, 8],
            "is_final": True,
        },
    ),
)
CLOSED_LINES = [
    *("account id: 1", "symbol: BTC/USDT", "fees: USDT 0.5, BNB 0.1", "order ids: 7, 8"),
    *("is final: yes", f"time: {time_text(NOON)}"),
]


def test_the_signature_of_the_worked_example() -> None:
    body = b'{"event_id":42,"event":"risk_tripped","account_id":1}'
    expected = "140852967944b58a75dff17c817524e4ca696d7de6165496e930bccae1e32698"
    assert sign_message("sinksecret", 1_700_000_000, body) == f"t=1700000000,v1={expected}"


def test_pauses_grow_to_an_hour_until_a_day_has_passed() -> None:
    delivery = Delivery(
        id=1,
        sink_id=1,
        event_id=42,
        account_id=1,
        event="deal_created",
        body="{}",
        status=DeliveryStatus.QUEUED,
        attempts=0,
        next_at=NOON,
        expires_at=NOON + timedelta(hours=24),
        created_at=NOON,
    )
    now, pauses = NOON, []
    while (after := next_attempt(delivery, now)) is not None:
        pauses.append(int((after - now).total_seconds()))
        now, delivery = after, evolve(delivery, attempts=delivery.attempts + 1)
    assert pauses == [5, 30, 120, 600, *[3600] * 23]
    assert now < delivery.expires_at


@pytest.mark.parametrize(
    ("sink", "event", "account_id", "payload", "expected"),
    [
        (SINK, "deal_created", 7, {}, True),
        (SINK, "order_updated", 7, {}, False),
        (SINK, "bot_status", 0, {"account_id": 7, "status": "error"}, True),
        (SINK, "bot_status", 0, {"account_id": 7, "status": "running"}, False),
        (evolve(SINK, events=("order_updated",)), "order_updated", 7, {}, True),
        (evolve(SINK, events=("order_updated",)), "deal_created", 7, {}, False),
        (evolve(SINK, account_ids=(7,)), "deal_created", 7, {}, True),
        (evolve(SINK, account_ids=(7,)), "deal_created", 8, {}, False),
        (evolve(SINK, account_ids=(7,)), "deadman_fired", 0, {"account_id": 7}, True),
        (evolve(SINK, account_ids=(7,)), "deadman_fired", 0, {"account_id": 8}, False),
        (evolve(SINK, account_ids=(7,)), "worker_stale", 0, {"account_id": 0}, True),
    ],
)
def test_which_events_a_sink_gets(
    sink: Sink, event: str, account_id: int, payload: dict[str, object], expected: bool
) -> None:
    assert sink.selects(event, account_id, payload) is expected


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1"),
        *("100.64.0.1", "::1", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
        *("64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::", "ff02::1", "not an address"),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


def test_public_addresses_and_names() -> None:
    assert all(map(is_public, ("8.8.8.8", "2606:4700::1111", "64:ff9b::808:808")))
    private = ("localhost", "LOCALHOST.", "a.localhost", "[::1]", "127.0.0.1", "10.0.0.1")
    assert all(map(is_private_host, private))
    assert not any(map(is_private_host, ("example.com", "8.8.8.8")))


def test_the_words_of_the_command_line_are_those_of_the_domain() -> None:
    assert set(sink_parser.KINDS) == set(SinkKind)
    assert set(sink_parser.DELIVERY_STATUSES) == set(DeliveryStatus)
    assert "deal_created" in DEFAULT_EVENTS


async def test_a_webhook_is_signed_and_follows_no_redirect() -> None:
    sender = WebhookSender(allow_private=True, unix_seconds=lambda: 1_700_000_000.9)
    async with open_sink_server() as server:
        await sender.send(server.url("/hook?a=1"), "a-secret", MESSAGE)
        (got,) = server.received
        assert (got.body.decode(), got.event_id, got.path) == (MESSAGE.body, 42, "/hook?a=1")
        expected = sign_message("a-secret", 1_700_000_000, got.body)
        assert got.headers["x-oms-signature"] == expected
        assert got.headers["x-oms-event"] == "deal_created"
        server.statuses["/"] = [302, 500]
        for status in (302, 500):
            with pytest.raises(SendError, match=f"HTTP {status}"):
                await sender.send(server.url(), None, MESSAGE)
        assert "x-oms-signature" not in server.of("/")[0].headers
        assert server.of("/elsewhere") == []


async def test_a_webhook_that_hangs_or_is_not_public_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(webhook_sender, "ATTEMPT_SECONDS_MAX", 0.1)
    async with open_sink_server() as server:
        server.statuses["/"] = [0]
        with pytest.raises(SendError, match="no answer"):
            await WebhookSender(allow_private=True).send(server.url(), None, MESSAGE)
        strict, port = WebhookSender(allow_private=False), server.port
        monkeypatch.setattr(webhook_sender, "ATTEMPT_SECONDS_MAX", 5.0)
        # The last names are resolved: to this machine.
        for host in ("127.0.0.1", "localhost", "[::1]", "127.1", "2130706433"):
            with pytest.raises(SendError, match=r"not public|InvalidUrl"):
                await strict.send(f"http://{host}:{port}/", None, MESSAGE)
        assert len(server.received) == 1
    with pytest.raises(SendError, match="not reachable"):
        await WebhookSender(allow_private=True).send(f"http://127.0.0.1:{port}/", None, MESSAGE)


async def test_apprise_sends_in_a_process_of_its_own() -> None:
    async with open_sink_server() as server:
        url = f"json://127.0.0.1:{server.port}/hook"
        await AppriseSender(allow_private=True).send(url, None, CLOSED)
        (got,) = server.received
        assert json.loads(got.body)["title"] == "oms: position closed"
        assert json.loads(got.body)["message"].splitlines() == CLOSED_LINES
        with pytest.raises(SendError, match="not public"):
            await AppriseSender(allow_private=False).send(url, None, MESSAGE)
        with pytest.raises(SendError, match="no service"):
            await AppriseSender(allow_private=True).send("nothing://x", None, MESSAGE)
        assert len(server.received) == 1


async def test_a_process_of_apprise_that_loops_comes_last_and_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    program = tmp_path / "python"
    program.write_text('#!/bin/sh\necho $$ > "${0%/*}/pid"\nwhile :; do :; done\n')
    program.chmod(0o755)
    monkeypatch.setattr(apprise_sender, "sys", SimpleNamespace(executable=str(program)))
    monkeypatch.setattr(apprise_sender, "CPU_SECONDS", 0.1)
    monkeypatch.setattr(apprise_sender, "START_SECONDS_MAX", stretch(2.0))
    monkeypatch.setattr(apprise_sender, "ATTEMPT_SECONDS_MAX", 0.0)
    with caplog.at_level(logging.INFO), pytest.raises(SendError, match="no answer in time"):
        await AppriseSender(allow_private=True).send("json://127.0.0.1:9/", None, MESSAGE)
    pid = (tmp_path / "pid").read_text(encoding="ascii").strip()
    assert f"child_priority_lowered pid={pid}" in caplog.text
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)
