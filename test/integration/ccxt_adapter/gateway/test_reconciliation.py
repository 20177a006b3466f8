"""Discrepancies and mirrored accounts at a loopback exchange: gateway, worker and real ccxt."""

import itertools
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.databases.sql import execute, fetch_number, insert_credentials
from kit.exchanges.ccxt_harness import LINEAR, SPOT
from kit.exchanges.loopback_process import LoopbackExchange
from kit.gateway.exchange_setup import ExchangeSetup
from kit.gateway.in_process import AUDIT, TRADER, now
from kit.http.asgi_client import AsgiClient
from kit.polling import poll_until
from oms.adapters.sql.ledger.ledger_store import SqlLedgerStore
from oms.domain.errors import Refused
from oms.wire.json import dumps
from oms.worker.dispatch import CommandProcessor


async def _deals(exchange_setup: ExchangeSetup, account_id: int) -> list[dict[str, Any]]:
    span = "start_date=2020-01-01&end_date=2099-01-01"
    found = await exchange_setup.client.get(f"/oms/deals?account_ids={account_id}&{span}")
    rows: list[dict[str, Any]] = found["items"]
    return rows


async def _open(exchange_setup: ExchangeSetup, account_id: int) -> list[dict[str, Any]]:
    found = await exchange_setup.client.get(f"/oms/orders/open?account_ids={account_id}")
    rows: list[dict[str, Any]] = found["items"]
    return rows


async def test_row_30_a_changed_position_is_confirmed_held_and_corrected(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange, dsn: str
) -> None:
    await exchange_setup.start_account()
    bought = await exchange_setup.send(order_type="market", price=None, qty="0.05")
    await exchange_setup.wait_for_order(bought["order_id"], "FILLED")
    venue.control("nudge", symbol=LINEAR, qty="1")
    assert (await exchange_setup.reconcile())["discrepancies"] == 0
    execute(dsn, "UPDATE discrepancies SET first_seen = '2020-01-01T00:00:00.000000Z'")
    assert (await exchange_setup.reconcile())["discrepancies"] == 1
    (row,) = await exchange_setup.discrepancies()
    assert (row["class"], row["evidence"]["exchange_qty"]) == ("position_differs", "1.05")

    refused = await exchange_setup.send()
    assert refused["error"]["reason"] == "account_quarantined"
    (position,) = (
        await exchange_setup.client.get(
            f"/oms/positions/open?account_ids={exchange_setup.account_id}"
        )
    )["items"]
    closed = await exchange_setup.send("close_position", position_id=position["id"], qty="0.01")
    assert closed["ok"], closed
    assert (await exchange_setup.reconcile())["discrepancies"] == 1
    path = f"/oms/discrepancies/{row['id']}/apply?wait_ms=8000"
    done = await exchange_setup.client("POST", path, {"comment": "as the exchange says"})
    assert done.json()["item"]["status"] == "applied", done.body
    again = await exchange_setup.reconcile()
    assert (again["discrepancies"], again["new_deals"]) == (0, 0)
    assert (await exchange_setup.send())["ok"]


async def test_row_29_accounts_on_the_same_credentials_leave_each_others_orders(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange, dsn: str
) -> None:
    await exchange_setup.start_account()
    mirror = await _a_mirror(exchange_setup, dsn)
    resting = await exchange_setup.send()
    bought = await exchange_setup.send(order_type="market", price=None, qty="0.02")
    await exchange_setup.wait_for_order(bought["order_id"], "FILLED")
    await exchange_setup.reconcile(account_id=mirror)
    again = await exchange_setup.reconcile(account_id=mirror)
    assert again["new_deals"] == 0
    mine, theirs = (
        await _deals(exchange_setup, exchange_setup.account_id),
        await _deals(exchange_setup, mirror),
    )
    assert [row["exchange_trade_id"] for row in theirs] == [
        row["exchange_trade_id"] for row in mine
    ]
    assert {(row["strategy_id"], row["reason"], row["reconciled"]) for row in theirs} == {
        (0, "external", False)
    }
    (order,) = await _open(exchange_setup, mirror)
    assert order["comment"] == f"sent by account {exchange_setup.account_id}"

    body = {"account_id": mirror, "command": "cancel_all_orders", "payload": {}}
    result = (await exchange_setup.client("POST", "/oms/commands?wait_ms=15000", body)).json()
    assert result["results"][0]["ok"], result
    assert [row["id"] for row in await _open(exchange_setup, exchange_setup.account_id)] == [
        resting["order_id"]
    ]
    assert venue.paths("order/cancel") == []


async def test_a_mirrored_order_names_its_sender_however_early_it_is_reported(
    exchange_setup: ExchangeSetup, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sending account has not stored the exchange's id yet; a later read finds it."""

    async def none_stored(*_: object) -> dict[str, int]:
        return {}

    await exchange_setup.start_account()
    mirror = await _a_mirror(exchange_setup, dsn)
    sender = f"sent by account {exchange_setup.account_id}"
    with monkeypatch.context() as early:
        early.setattr(SqlLedgerStore, "sending_accounts", none_stored)
        await exchange_setup.send()
        await exchange_setup.reconcile(account_id=mirror)
        (order,) = await _open(exchange_setup, mirror)
        assert order["comment"] == sender, "its client order id says so"
    await exchange_setup.gateway.stop_worker()
    execute(dsn, f"UPDATE oms_orders SET comment = NULL WHERE id = {order['id']}")
    await exchange_setup.restart_worker(live_allowed=False)
    await exchange_setup.reconcile(account_id=mirror)
    (order,) = await _open(exchange_setup, mirror)
    assert order["comment"] == sender, "a later read completes it"


async def test_cancel_all_with_own_only_leaves_orders_of_others(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    await exchange_setup.start_account()
    own = await exchange_setup.send()
    venue.control("external", symbol=LINEAR, side="buy", qty="0.3", price="9000")
    await exchange_setup.reconcile()
    theirs = [
        row["id"]
        for row in await _open(exchange_setup, exchange_setup.account_id)
        if row["id"] != own["order_id"]
    ]
    assert len(theirs) == 1
    result = await exchange_setup.send("cancel_all_orders", own_only=True)
    assert result["ok"], result
    await exchange_setup.wait_for_order(own["order_id"], "CANCELED")
    assert [row["id"] for row in await _open(exchange_setup, exchange_setup.account_id)] == theirs
    assert len(venue.paths("order/cancel")) == 1
    await exchange_setup.send("cancel_all_orders")
    await exchange_setup.wait_for_order(theirs[0], "CANCELED")


async def test_open_positions_show_the_exchange_s_mark_price_and_their_profit(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    await exchange_setup.start_account()
    venue.control("price", symbol=LINEAR, price="60000")
    for symbol in (LINEAR, SPOT):
        sent = await exchange_setup.send(symbol=symbol, order_type="market", price=None, qty="0.02")
        await exchange_setup.wait_for_order(sent["order_id"], "FILLED")
    venue.control("mark", symbol=LINEAR, price="61000")
    began = now()
    await exchange_setup.reconcile()
    path = f"/oms/positions/open?account_ids={exchange_setup.account_id}"
    rows = await poll_until(
        lambda: exchange_setup.client.get(path),
        lambda rows: all(row["mark_price"] for row in rows["items"]),
    )
    shown = {row["symbol"]: row for row in rows["items"]}
    contract, coin = shown[LINEAR], shown[SPOT]
    assert contract["mark_price"] == "61000"
    profit = (Decimal(61000) - Decimal(contract["avg_price"])) * Decimal("0.02")
    assert Decimal(contract["unrealized_pnl"]) == profit
    assert datetime.fromisoformat(contract["mark_at"]) >= began
    price = Decimal(coin["mark_price"])
    expected = (price - Decimal(coin["avg_price"])) * Decimal(coin["qty"])
    assert abs(Decimal(coin["unrealized_pnl"]) - expected) < Decimal("1e-12")


async def test_row_27_an_external_order_is_found_once(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    await exchange_setup.start_account()
    venue.control("external", symbol=LINEAR, side="buy", qty="0.3", fills=3)
    await exchange_setup.reconcile()
    again = await exchange_setup.reconcile()
    assert (again["new_deals"], again["new_orders"]) == (0, 0)
    deals = await _deals(exchange_setup, exchange_setup.account_id)
    assert [(deal["strategy_id"], deal["reconciled"]) for deal in deals] == [(0, False)] * 3
    assert len({(deal["order_id"], deal["position_id"]) for deal in deals}) == 1


async def test_row_28_a_period_of_twenty_days_is_read_whole_and_once(
    exchange_setup: ExchangeSetup,
    venue: LoopbackExchange,
    dsn: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for day in range(21, 0, -1):
        venue.control("clock", offset_s=-86_400 * day)
        venue.control("external", symbol=LINEAR, side="buy", qty="0.5", fills=5)
    venue.control("clock", offset_s=0)
    await exchange_setup.start_account()
    reads = _count_reads_per_poll(exchange_setup, monkeypatch)
    trades = "SELECT COUNT(DISTINCT exchange_trade_id) FROM oms_deals WHERE type = 'trade'"
    today = now()
    middle = {
        "scope": "period",
        "start_date": (today - timedelta(days=15, hours=12)).isoformat(),
        "end_date": (today - timedelta(days=5, hours=12)).isoformat(),
    }
    result = await exchange_setup.reconcile(**middle)
    assert (result["watermark"], fetch_number(dsn, trades)) == (None, 50)
    whole = middle | {
        "start_date": (today - timedelta(days=22)).isoformat(),
        "end_date": today.isoformat(),
    }
    await exchange_setup.reconcile(**whole)
    assert fetch_number(dsn, trades) == 105
    assert fetch_number(dsn, "SELECT COUNT(*) FROM oms_deals WHERE type = 'trade'") == 105
    total = "SELECT COUNT(*) FROM oms_positions WHERE state = 'open' AND ABS(qty - 10.5) < 1e-9"
    assert fetch_number(dsn, total) == 1
    # Late executions and late payments are applied together: in one poll, stored history is read
    # once for each, and not once for each of the 105. How many polls bring them is not fixed.
    assert reads["history_since"].total() >= 1
    assert max(reads["history_since"].values()) <= 2
    assert reads["orders_by_exchange_id"].total() >= 1
    assert max(reads["orders_by_exchange_id"].values()) <= 2


def _count_reads_per_poll(
    exchange_setup: ExchangeSetup, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Counter[int]]:
    """Counts the store's reads by method and by the number of the poll that they belong to."""
    processor = exchange_setup.gateway.worker.processor
    polls = itertools.count(1)
    current_poll = ContextVar("current_poll", default=0)
    poll = CommandProcessor._poll
    reads: dict[str, Counter[int]] = {}

    async def counted_poll(*args: Any) -> bool:
        current_poll.set(next(polls))
        return await poll(*args)

    def count(name: str) -> Callable[..., Any]:
        read, counts = getattr(processor.ledger, name), reads.setdefault(name, Counter())

        async def counted_read(*args: Any) -> Any:
            counts[current_poll.get()] += 1
            return await read(*args)

        return counted_read

    monkeypatch.setattr(CommandProcessor, "_poll", counted_poll)
    for name in ("history_since", "orders_by_exchange_id"):
        monkeypatch.setattr(processor.ledger, name, count(name))
    return reads


async def test_unread_history_does_not_block_leaving(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    await exchange_setup.start_account()
    resting = await exchange_setup.send()
    bought = await exchange_setup.send(order_type="market", price=None, qty="0.05")
    filled = await exchange_setup.wait_for_order(bought["order_id"], "FILLED")
    for path in ("order/realtime", "order/history", "execution/list", "position/list"):
        venue.control("fault", match=path, mode="http", status=503, count=10_000)
    await poll_until(lambda: _unavailable_reason(exchange_setup), bool)

    opening = await exchange_setup.send()
    assert (opening["status"], opening["error"]["code"]) == ("refused", "exchange_unavailable")
    created = len(venue.paths("order/create"))
    await exchange_setup.send("cancel_order", wait_ms=200, order_id=resting["order_id"])
    await exchange_setup.send(
        "close_position", wait_ms=200, position_id=filled["position_id"], qty="0.02"
    )
    reducing = {"side": "sell", "order_type": "market", "price": None, "reduce_only": True}
    await exchange_setup.send(wait_ms=200, qty="0.01", **reducing)
    await poll_until(lambda: _asked(venue, "order/create"), lambda count: count == created + 2)
    assert len(venue.paths("order/cancel")) == 1

    venue.control("clear")
    await exchange_setup.wait_for_order(resting["order_id"], "CANCELED")
    await poll_until(lambda: _unavailable_reason(exchange_setup), lambda why: why is None)
    await poll_until(
        lambda: _held(exchange_setup), lambda held: [each["qty"] for each in held] == ["0.02"]
    )
    assert (await exchange_setup.send())["ok"]


async def _unavailable_reason(exchange_setup: ExchangeSetup) -> Refused | None:
    return exchange_setup.gateway.worker.processor.states[
        exchange_setup.account_id
    ].exchange.unavailable_reason()


async def _asked(venue: LoopbackExchange, path: str) -> int:
    return len(venue.paths(path))


async def _held(exchange_setup: ExchangeSetup) -> list[dict[str, Any]]:
    path = f"/oms/positions/open?account_ids={exchange_setup.account_id}"
    rows: list[dict[str, Any]] = (await exchange_setup.client.get(path))["items"]
    return rows


async def _a_mirror(exchange_setup: ExchangeSetup, dsn: str) -> int:
    """Another account with the same credentials."""

    registry = exchange_setup.gateway.store.registry
    mirror = await registry.create_account(
        exchange_id="ccxt.bybit",
        label="its mirror",
        position_mode="netting",
        environment="loopback",
        is_testnet=True,
        extra_config=dumps(dict(exchange_setup.venue.startup["extra_config"]["bybit"])),
        trader_name=None,
        now=now(),
        audit=AUDIT,
    )
    await exchange_setup.gateway.add_key(
        "both",
        "oms_a-trader-of-both-accounts",
        grants={
            exchange_setup.account_id: TRADER,
            mirror: TRADER,
        },
    )
    exchange_setup.client = AsgiClient(exchange_setup.gateway.app, "oms_a-trader-of-both-accounts")
    for account_id in (exchange_setup.account_id, mirror):
        insert_credentials(dsn, account_id, "the same")
    return mirror
