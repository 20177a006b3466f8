"""Rows of the acceptance page that need gateway, worker and exchange together."""

import asyncio
import os
import ssl
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from kit.databases.sql import fetch_number
from kit.exchanges.ccxt_harness import LINEAR
from kit.exchanges.loopback_process import LoopbackExchange
from kit.gateway.exchange_setup import ExchangeSetup
from oms.adapters.ccxt.client.http_session import HostResolver
from oms.cli.replay import build_replay_report
from oms.cli.verify import build_verify_report
from oms.config import Settings
from oms.domain.account import Account
from oms.domain.instrument import Instrument
from oms.domain.value import evolve


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch, venue: LoopbackExchange) -> list[str]:
    """The names that were resolved; all resolve to this machine, as a hosts file would do it."""
    names: list[str] = []

    async def resolve(_self: HostResolver, host: str, port: int = 0, family: int = 0) -> Any:
        names.append(host)
        there = {"hostname": host, "host": "127.0.0.1", "port": venue.startup["ports"]["tls"]}
        return [there | {"family": 2, "proto": 6, "flags": 0}]

    monkeypatch.setattr(HostResolver, "resolve", resolve)
    return names


async def test_row_3_live_needs_two_switches_and_a_cancel_none(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange, hosts: list[str]
) -> None:
    extra = dict(venue.startup["extra_config"]["bybit_tls"])
    assert ssl.create_default_context(cafile=extra["cafile"])
    del extra["oms"]
    exchange_setup.gateway.worker.processor.live_allowed = True
    await exchange_setup.start_account("live", **extra)
    await exchange_setup.set_live_enabled(live_enabled=True)
    older = [(await exchange_setup.send())["order_id"] for _ in range(4)]
    seen = []
    for is_allowed in (True, False):
        await exchange_setup.restart_worker(live_allowed=is_allowed)
        for is_enabled in (True, False):
            await exchange_setup.set_live_enabled(live_enabled=is_enabled)
            before = len(venue.paths("order/create"))
            sent = await exchange_setup.send()
            error = sent["error"] or {"reason": None, "code": None}
            left = len(venue.paths("order/create")) - before
            seen.append((is_allowed, is_enabled, left, error["code"], error["reason"]))
            await exchange_setup.send("cancel_order", order_id=older.pop())
    blocked = (0, "risk_blocked", "live_disabled")
    assert seen == [
        (True, True, 1, None, None),
        (True, False, *blocked),
        (False, True, *blocked),
        (False, False, *blocked),
    ]
    assert len(venue.paths("order/cancel")) == 4, "a cancel is always possible"
    assert set(hosts) == {"api.bybit.com"}


async def test_row_4_a_redirected_order_is_not_placed(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    await exchange_setup.start_account()
    here = f"http://127.0.0.1:{venue.port}/second-hop"
    venue.control("fault", match="order/create", mode="redirect", location=here, status=307)
    sent = await exchange_setup.send()
    assert (sent["status"], sent["order"]["status"]) == ("unknown", "UNKNOWN")
    ended = await exchange_setup.wait_for_order(sent["order_id"], "REJECTED")
    assert ended["reject_code"] == "not_placed"
    assert venue.paths("second-hop") == []
    assert venue.books()["orders"] == []


async def test_row_14_injected_faults_are_for_paper(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    await exchange_setup.start_account()
    refused = await exchange_setup.send(params={"sim": "timeout"})
    assert (refused["status"], refused["error"]["code"]) == ("refused", "sim_not_supported")
    await exchange_setup.send(params={"mine": "yes"})
    assert "sim" not in str(venue.control("log", match="order/create")["log"])
    assert len(venue.paths("order/create")) == 1


async def test_row_15_requested_values_are_kept_with_the_sent_ones(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    await exchange_setup.start_account()
    venue.control("price", symbol="BTC/USDT:USDT", price="60000")
    for side, sent in (("buy", "60000"), ("sell", "60000.1")):
        more = {"side": side, "price": "60000.05", "qty": "0.0029999", "post_only": False}
        result = await exchange_setup.send(**more)
        command = await exchange_setup.client.get(f"/oms/commands/{result['command_id']}")
        assert (command["payload"]["price"], command["payload"]["qty"]) == ("60000.05", "0.0029999")
        shown = {row["order_id"]: row for row in venue.books()["orders"]}
        there = shown[result["order"]["exchange_order_id"]]
        assert (there["price"], there["qty"]) == (sent, "0.002")
        row = await exchange_setup.order(result["order_id"])
        assert (row["price"], row["qty"]) == (sent, "0.002")
        assert (row["requested_price"], row["requested_qty"]) == ("60000.05", "0.0029999")


async def test_row_21_a_cancel_after_the_fill_is_too_late(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    exchange_setup.timings = evolve(
        exchange_setup.timings, live_poll_seconds=30, idle_poll_seconds=30, wake_delay_seconds=30
    )  # no lookup in between
    await exchange_setup.start_account()
    sent = await exchange_setup.send()
    venue.control("fill", order_id=sent["order"]["exchange_order_id"])
    canceled = await exchange_setup.send("cancel_order", order_id=sent["order_id"])
    assert (canceled["status"], canceled["error"]["reason"]) == ("failed", "too_late")
    assert (await exchange_setup.wait_for_order(sent["order_id"], "FILLED"))["filled_qty"] == "0.01"


async def test_row_1_without_ccxt_paper_trades_and_the_other_account_says_why(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ccxt.async_support", None)  # as if it were not installed
    await exchange_setup.start_account()
    price = {"account_id": exchange_setup.gateway.account_id, "symbol": LINEAR, "price": "50000"}
    assert (await exchange_setup.gateway.client("POST", "/paper/price", price)).status == 200
    paper = await exchange_setup.gateway.order("?wait_ms=10000")
    assert paper.json()["results"][0]["order"]["status"] == "FILLED"
    order = exchange_setup.gateway.command() | {"account_id": exchange_setup.account_id}
    answer = await exchange_setup.client("POST", "/oms/commands?wait_ms=10000", order)
    assert (answer.status, answer.detail["code"]) == (503, "engine_unavailable")
    assert venue.control("log")["log"] == []


@pytest.mark.parametrize(
    ("func", "args"),
    [
        ("set_leverage", [3, LINEAR]),
        ("set_margin_mode", ["isolated", LINEAR]),
        ("set_position_mode", [False, LINEAR]),
        ("create_order", [LINEAR, "limit", "buy", "0.1", "50000"]),
        ("create_order", ["NEW/USDT:USDT", "limit", "buy", "0.1", "50000"]),
        ("edit_order", ["no-such-id", "NEW/USDT:USDT", "limit", "buy", "0.1", "50000"]),
    ],
)
async def test_a_testnet_account_with_its_own_hosts_needs_the_live_switches(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange, func: str, args: list[object]
) -> None:
    extra = dict(venue.startup["extra_config"]["bybit"]) | {
        "oms": {"allowed_hosts": ["gateway.exchange.example"]}
    }
    await exchange_setup.start_account("testnet", **extra)
    sent = await exchange_setup.send()
    assert sent["error"]["reason"] == "live_disabled"
    path = f"/ccxt/{exchange_setup.account_id}"
    answer = await exchange_setup.client("POST", f"{path}/{func}", {"args": args})
    assert answer.detail["reason"] == "live_disabled", answer.body
    assert [path for path in venue.paths() if path.startswith("POST")] == []
    body = {"args": [LINEAR]}
    canceled = await exchange_setup.client("POST", f"{path}/cancel_all_orders", body)
    assert canceled.status == 200, canceled.body


async def test_row_18_while_reads_fail_a_repeat_is_the_same_order(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    await exchange_setup.start_account()
    venue.control("fault", match="order/create", mode="accept_then_close")
    for path in ("order/realtime", "order/history", "execution/list"):
        venue.control("fault", match=path, mode="http", status=503, count=10_000)
    lost = await exchange_setup.send(client_order_id="mine")
    assert (lost["status"], lost["order"]["status"]) == ("unknown", "UNKNOWN")
    again = await exchange_setup.send(wait_ms=200, client_order_id="mine")
    assert again["order_id"] == lost["order_id"]
    await asyncio.sleep(
        exchange_setup.timings.window_seconds + 2 * exchange_setup.timings.absence_interval_seconds
    )
    assert (await exchange_setup.order(lost["order_id"]))["status"] == "UNKNOWN", (
        "no read, no result"
    )
    assert len(venue.paths("order/create")) == 1
    venue.control("clear")
    found = await exchange_setup.wait_for_order(lost["order_id"], "SUBMITTED")
    assert [found["exchange_order_id"]] == [row["order_id"] for row in venue.books()["orders"]]


async def test_row_31_every_version_of_an_order_is_kept(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange, dsn: str, tmp_path: Path
) -> None:
    await exchange_setup.start_account()
    sent = await exchange_setup.send()
    for price in ("", "10001", "10002", "10003"):
        if price:
            changed = await exchange_setup.send(
                "change_order", order_id=sent["order_id"], new_price=price
            )
            assert changed["order"]["price"] == price
        reconciled = await exchange_setup.client(
            "POST", "/oms/reconcile", {"account_id": exchange_setup.account_id}
        )
        assert reconciled.json()["results"][0]["ok"]
    named = f"exchange_order_id = '{sent['order']['exchange_order_id']}'"
    assert fetch_number(dsn, f"SELECT COUNT(*) FROM ccxt_orders_raw WHERE {named}") == 4
    await exchange_setup.gateway.stop_worker()
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "oms", "verify", "--json"],
        env=os.environ | {"OMS_DATABASE_URL": dsn},
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-1000:]


async def test_the_first_market_order_of_a_limited_key_has_a_price(
    exchange_setup: ExchangeSetup,
) -> None:
    await exchange_setup.start_account()
    keys = await exchange_setup.gateway.api_context.administer.people.keys()
    path = f"/user/api-keys/{keys[-1].id}"
    limits = {"status": "active", "restrictions": {"max_order_notional": "5000"}}
    answer = await exchange_setup.client("PATCH", path, limits)
    assert answer.status == 200, answer.body
    sent = await exchange_setup.send(order_type="market", price=None, qty="0.01")
    assert sent["error"] is None
    await exchange_setup.wait_for_order(sent["order_id"], "FILLED")
    refused = await exchange_setup.send(order_type="market", price=None, qty="1")
    assert refused["error"]["reason"] == "key_order_notional"


async def test_an_order_not_placed_is_resent_on_a_quiet_account(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    extra = dict(venue.startup["extra_config"]["bybit"])
    extra["oms"] = {**extra.get("oms", {}), "unknown_policy": "resend"}
    await exchange_setup.start_account(**extra)
    venue.control("fault", match="order/create", mode="close_before")
    lost = await exchange_setup.send()
    assert lost["status"] == "unknown"
    found = await exchange_setup.wait_for_order(lost["order_id"], "SUBMITTED")
    assert [row["order_id"] for row in venue.books()["orders"]] == [found["exchange_order_id"]]


async def test_an_order_that_expires_before_it_is_sent_may_be_repeated(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    await exchange_setup.start_account()
    await exchange_setup.send()
    venue.control("fault", match="order/create", mode="rate_limit", count=2)
    refused = await exchange_setup.send(params={"deadline_ms": 300})
    before = len(venue.paths("order/create"))
    expired = await exchange_setup.send(params={"deadline_ms": 300})
    for result in (refused, expired):
        assert result["status"] == "failed"
        assert result["error"]["retryable"] is True
        assert float(result["error"]["expected_wait_s"]) >= 1
    assert refused["error"]["outcome"] == "rejected", "the exchange refused it for load"
    assert expired["error"]["code"] == "expired_before_send"
    assert expired["error"]["outcome"] == "not_sent"
    assert len(venue.paths("order/create")) == before
    venue.control("clear")
    again = await exchange_setup.send()
    assert again["status"] == "done"


async def test_the_books_are_verified_by_the_instruments_of_the_exchange(
    exchange_setup: ExchangeSetup,
) -> None:
    await exchange_setup.start_account()
    sent = await exchange_setup.send(order_type="market", price=None, qty="0.01")
    await exchange_setup.wait_for_order(sent["order_id"], "FILLED")
    store = exchange_setup.gateway.store

    def none(_: Account) -> Mapping[str, Instrument]:
        return {}  # the gateway's own table lacks most symbols of an exchange

    verified = await build_verify_report(store, Settings(), instruments=none)
    assert verified["ok"], verified["accounts"]
    replayed = await build_replay_report(store, exchange_setup.account_id, instruments=none)
    assert replayed["ok"] and replayed["positions"], replayed["differences"]
