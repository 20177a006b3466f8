"""Rows of the acceptance page that need gateway, worker and exchange together."""

import asyncio
import os
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kit.ccxt_desk import LINEAR
from kit.loopback import Loopback
from kit.sql import number
from kit.venue_house import VenueHouse
from oms.adapters.ccxt.session import Resolver
from oms.domain.value import evolve


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch, venue: Loopback) -> list[str]:
    """The names looked up; all lead to this machine, as a file of hosts would say."""
    names: list[str] = []

    async def resolve(_self: Resolver, host: str, port: int = 0, family: int = 0) -> Any:
        names.append(host)
        there = {"hostname": host, "host": "127.0.0.1", "port": venue.told["ports"]["tls"]}
        return [there | {"family": 2, "proto": 6, "flags": 0}]

    monkeypatch.setattr(Resolver, "resolve", resolve)
    return names


async def test_row_3_live_needs_two_switches_and_a_cancel_none(
    house: VenueHouse, venue: Loopback, hosts: list[str]
) -> None:
    extra = dict(venue.told["extra_config"]["bybit_tls"])
    assert ssl.create_default_context(cafile=extra["cafile"])
    del extra["oms"]
    house.office.worker.accounts.live_allowed = True
    await house.furnish("live", **extra)
    await house.switch(live_enabled=True)
    older = [(await house.send())["order_id"] for _ in range(4)]
    seen = []
    for is_allowed in (True, False):
        await house.let_worker_begin_anew(live_allowed=is_allowed)
        for is_enabled in (True, False):
            await house.switch(live_enabled=is_enabled)
            before = len(venue.paths("order/create"))
            sent = await house.send()
            error = sent["error"] or {"reason": None, "code": None}
            left = len(venue.paths("order/create")) - before
            seen.append((is_allowed, is_enabled, left, error["code"], error["reason"]))
            await house.send("cancel_order", order_id=older.pop())
    blocked = (0, "risk_blocked", "live_disabled")
    assert seen == [
        (True, True, 1, None, None),
        (True, False, *blocked),
        (False, True, *blocked),
        (False, False, *blocked),
    ]
    assert len(venue.paths("order/cancel")) == 4, "one may always get out"
    assert set(hosts) == {"api.bybit.com"}


async def test_row_4_a_redirected_order_is_not_placed(house: VenueHouse, venue: Loopback) -> None:
    await house.furnish()
    here = f"http://127.0.0.1:{venue.port}/second-hop"
    venue.ctl("fault", match="order/create", mode="redirect", location=here, status=307)
    sent = await house.send()
    assert (sent["status"], sent["order"]["status"]) == ("unknown", "UNKNOWN")
    ended = await house.until_order(sent["order_id"], "REJECTED")
    assert ended["reject_code"] == "not_placed"
    assert venue.paths("second-hop") == []
    assert venue.books()["orders"] == []


async def test_row_14_faults_on_purpose_are_for_paper(house: VenueHouse, venue: Loopback) -> None:
    await house.furnish()
    refused = await house.send(params={"sim": "timeout"})
    assert (refused["status"], refused["error"]["code"]) == ("refused", "sim_not_supported")
    await house.send(params={"mine": "yes"})
    assert "sim" not in str(venue.ctl("log", match="order/create")["log"])
    assert len(venue.paths("order/create")) == 1


async def test_row_15_requested_values_are_kept_beside_what_was_sent(
    house: VenueHouse, venue: Loopback
) -> None:
    await house.furnish()
    venue.ctl("price", symbol="BTC/USDT:USDT", price="60000")
    for side, sent in (("buy", "60000"), ("sell", "60000.1")):
        more = {"side": side, "price": "60000.05", "qty": "0.0029999", "post_only": False}
        told = await house.send(**more)
        command = await house.client.get(f"/oms/commands/{told['command_id']}")
        assert (command["payload"]["price"], command["payload"]["qty"]) == ("60000.05", "0.0029999")
        shown = {row["order_id"]: row for row in venue.books()["orders"]}
        there = shown[told["order"]["exchange_order_id"]]
        assert (there["price"], there["qty"]) == (sent, "0.002")


async def test_row_21_a_cancel_after_the_fill_is_too_late(
    house: VenueHouse, venue: Loopback
) -> None:
    house.pace = evolve(house.pace, live=30, idle=30, soon=30)  # nobody looks in between
    await house.furnish()
    sent = await house.send()
    venue.ctl("fill", order_id=sent["order"]["exchange_order_id"])
    canceled = await house.send("cancel_order", order_id=sent["order_id"])
    assert (canceled["status"], canceled["error"]["reason"]) == ("failed", "too_late")
    assert (await house.until_order(sent["order_id"], "FILLED"))["filled_qty"] == "0.01"


async def test_row_1_without_ccxt_paper_trades_and_the_other_account_says_why(
    house: VenueHouse, venue: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ccxt.async_support", None)  # as if it were not installed
    await house.furnish()
    price = {"account_id": house.office.account_id, "symbol": LINEAR, "price": "50000"}
    assert (await house.office.client("POST", "/paper/price", price)).status == 200
    paper = await house.office.order("?wait_ms=10000")
    assert paper.json()["results"][0]["order"]["status"] == "FILLED"
    order = house.office.command() | {"account_id": house.account_id}
    answer = await house.client("POST", "/oms/commands?wait_ms=10000", order)
    assert (answer.status, answer.detail["code"]) == (503, "engine_unavailable")
    assert venue.ctl("log")["log"] == []


async def test_row_18_while_nothing_can_be_read_a_repeat_is_the_same_order(
    house: VenueHouse, venue: Loopback
) -> None:
    await house.furnish()
    venue.ctl("fault", match="order/create", mode="accept_then_close")
    for path in ("order/realtime", "order/history", "execution/list"):
        venue.ctl("fault", match=path, mode="http", status=503, count=10_000)
    lost = await house.send(client_order_id="mine")
    assert (lost["status"], lost["order"]["status"]) == ("unknown", "UNKNOWN")
    again = await house.send(wait_ms=200, client_order_id="mine")
    assert again["order_id"] == lost["order_id"]
    await asyncio.sleep(house.pace.window + 2 * house.pace.absent_apart)
    assert (await house.order(lost["order_id"]))["status"] == "UNKNOWN", "no read, no verdict"
    assert len(venue.paths("order/create")) == 1
    venue.ctl("clear")
    found = await house.until_order(lost["order_id"], "SUBMITTED")
    assert [found["exchange_order_id"]] == [row["order_id"] for row in venue.books()["orders"]]


async def test_row_31_every_version_of_an_order_is_kept(
    house: VenueHouse, venue: Loopback, tmp_path: Path
) -> None:
    await house.furnish()
    sent = await house.send()
    for price in ("", "10001", "10002", "10003"):
        if price:
            changed = await house.send("change_order", order_id=sent["order_id"], new_price=price)
            assert changed["order"]["price"] == price
        swept = await house.client("POST", "/oms/reconcile", {"account_id": house.account_id})
        assert swept.json()["results"][0]["ok"]
    dsn = f"sqlite+aiosqlite:///{tmp_path / 'oms.sqlite3'}"
    named = f"exchange_order_id = '{sent['order']['exchange_order_id']}'"
    assert number(dsn, f"SELECT COUNT(*) FROM ccxt_orders_raw WHERE {named}") == 4
    await house.office.stop_worker()
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "oms", "verify", "--json"],
        env=os.environ | {"OMS_DATABASE_URL": dsn},
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-1000:]
