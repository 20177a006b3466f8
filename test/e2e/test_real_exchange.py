"""An account at a real exchange through every layer: gateway, worker, ccxt, loopback exchange.

ccxt is the real one and unmodified, although the gateway is started in an environment where the
driver patches it; the exchange is a process that speaks Bybit's protocol.
"""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from ccxt_driver.sitecustomize_block import render_block
from kit.exchanges.loopback_process import LoopbackExchange, run_loopback
from kit.gateway.processes import Gateway, run_gateway
from kit.http.client import call
from kit.polling import wait_until

SYMBOL = "BTC/USDT:USDT"
SECONDS_MAX = 40.0


@dataclass
class TraderClient:
    """A trader with a loopback account."""

    gateway: Gateway
    venue: LoopbackExchange
    account_id: int

    def send(self, command: str, wait_ms: int = 20_000, **payload: Any) -> dict[str, Any]:
        """Return a command's result, whatever its status."""
        body = {"account_id": self.account_id, "command": command, "payload": payload}
        path = f"/oms/commands?wait_ms={wait_ms}"
        _, body = self.request("POST", path, body)
        results = body["results"] if "results" in body else body["detail"]["results"]
        result: dict[str, Any] = results[0]
        return result

    def order(self, side: str, qty: str, **more: Any) -> dict[str, Any]:
        """Send an order, a market order by default."""
        payload = {"symbol": SYMBOL, "side": side, "qty": qty, "order_type": "market"}
        return self.send("send_order", **(payload | more))

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return status and body of a response."""
        status, body, _ = call(self.gateway, method, path, body)
        return status, body

    def row(self, kind: str, row_id: int) -> dict[str, Any]:
        """Return an order, deal or position."""
        _, body = self.request("GET", f"/oms/{kind}/{row_id}")
        row: dict[str, Any] = body["items"][0]
        return row

    def ledger_position(self) -> str:
        """Return the net quantity of the symbol in the ledger."""
        _, body = self.request("GET", f"/oms/positions/open?account_ids={self.account_id}")
        return ",".join(f"{p['side']} {p['qty']}" for p in body["items"])

    def exchange_position(self) -> str:
        """Return the same by the exchange's own books."""
        rows = self.venue.books("b")["positions"]
        return ",".join(
            f"{'sell' if row['qty'].startswith('-') else 'buy'} {row['qty'].lstrip('-')}"
            for row in rows
            if row["qty"] != "0"
        )


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """``oms up`` whose Python starts with the driver's patch of ccxt."""
    folder = tmp_path_factory.mktemp("patched")
    block = render_block("aggressive", ["bybit"])
    (folder / "sitecustomize.py").write_text(block, encoding="utf-8")
    with run_gateway(Gateway(folder, environment={"PYTHONPATH": str(folder)})) as running:
        yield running


@pytest.fixture(scope="module")
def trader(gateway: Gateway) -> Iterator[TraderClient]:
    _, body, _ = call(gateway, "GET", "/user/api-keys")
    grant = str(body["items"][0]["api_key_id"])
    options = ("--join", gateway.base_url, "--api-key", gateway.admin_api_key, "--grant", grant)
    with run_loopback(*options) as venue:
        joined = {row["label"]: row["account_id"] for row in venue.next_line()["joined"]}
        yield TraderClient(gateway, venue, joined["loopback rest"])


def test_the_patch_of_ccxt_is_found_at_the_start_of_the_worker(gateway: Gateway) -> None:
    (line,) = [text for text in gateway.log_tail(200).splitlines() if "ccxt_patch_ignored" in text]
    assert "undo=" in line and str(gateway.folder / "sitecustomize.py") in line


def test_a_market_order_is_filled_and_becomes_a_position(trader: TraderClient) -> None:
    result = trader.order("buy", "0.01")
    assert (result["status"], result["error"]) == ("done", None)
    order = wait_until(
        lambda: _filled(trader.row("orders", result["order_id"])),
        SECONDS_MAX,
        "the fill is recorded",
    )
    there = trader.venue.books("b")["orders"][0]
    assert order["exchange_order_id"] == there["order_id"]
    assert order["avg_fill_price"] == there["average"]
    assert trader.ledger_position() == trader.exchange_position() == "buy 0.01"


def test_a_resting_order_is_changed_and_canceled(trader: TraderClient) -> None:
    result = trader.order("buy", "0.01", order_type="limit", price="60000")
    assert result["order"]["status"] == "SUBMITTED"
    order_id = result["order_id"]
    changed = trader.send("change_order", order_id=order_id, new_price="61000")
    assert (changed["status"], changed["order"]["price"]) == ("done", "61000")
    canceled = trader.send("cancel_order", order_id=order_id)
    assert (canceled["status"], canceled["order"]["status"]) == ("done", "CANCELED")


def test_prices_and_quantities_are_rounded_to_the_safe_side(trader: TraderClient) -> None:
    for side, price in (("buy", "60000.05"), ("sell", "80000.05")):
        sent = trader.order(side, "0.0029999", order_type="limit", price=price)
        expected = ("0.002", "60000" if side == "buy" else "80000.1")
        there = trader.venue.books("b")["orders"]
        named = {row["order_id"]: row for row in there}[sent["order"]["exchange_order_id"]]
        assert (sent["order"]["qty"], sent["order"]["price"]) == expected
        assert (named["qty"], named["price"]) == expected
        _, asked = trader.request("GET", f"/oms/commands/{sent['command_id']}")
        assert (asked["payload"]["qty"], asked["payload"]["price"]) == ("0.0029999", price)
        trader.send("cancel_order", order_id=sent["order_id"])
    refused = trader.order("buy", "0.0029999", params={"precision": "refuse"})
    assert (refused["status"], refused["error"]["code"]) == ("refused", "precision_mismatch")


def test_a_rejection_carries_the_exchange_s_message(trader: TraderClient) -> None:
    result = trader.order("buy", "900")
    assert result["status"] == "failed"
    assert (result["error"]["code"], result["error"]["outcome"]) == (
        "insufficient_funds",
        "rejected",
    )
    assert "110007" in result["error"]["message"]


def test_an_operator_sees_how_it_is_reached_and_asks_for_one_order(trader: TraderClient) -> None:
    _, body = trader.request("GET", f"/oms/accounts/{trader.account_id}/connection")
    assert (body["answered"], body["engine"], body["trouble"]) == (True, "ccxt", None)
    assert any(host.startswith("127.0.0.1") for host in body["hosts_called"])
    assert body["last_call_at"] is not None and body["reconcile_lag_s"] < SECONDS_MAX
    _, record = trader.request("GET", f"/oms/accounts/{trader.account_id}/capabilities")
    assert record["capabilities"]["hedge"] == {"value": "unified", "source": "table"}
    sent = trader.order("buy", "0.01", order_type="limit", price="60000")
    trader.venue.control("fault", match="order/realtime", mode="slow", ms=300)
    status, asked = trader.request("POST", f"/oms/orders/{sent['order_id']}/refresh", {})
    assert (status, asked["status"], asked["order"]["status"]) == (200, "done", "SUBMITTED")
    trader.venue.control("clear")
    payload = {"action": "declare_not_placed", "comment": "it is there"}
    status, refused = trader.request("POST", f"/oms/orders/{sent['order_id']}/resolve", payload)
    assert (status, refused["detail"]["code"]) == (409, "invalid_order_state")
    trader.send("cancel_order", order_id=sent["order_id"])


def test_a_lost_answer_is_found_and_never_sent_again(trader: TraderClient) -> None:
    trader.venue.control("fault", match="order/create", mode="accept_then_close")
    sent = len(trader.venue.paths("order/create"))
    result = trader.order("buy", "0.02")
    assert (result["status"], result["order"]["status"]) == ("unknown", "UNKNOWN")
    wait_until(
        lambda: _filled(trader.row("orders", result["order_id"])), SECONDS_MAX, "the order is found"
    )
    _, command = trader.request("GET", f"/oms/commands/{result['command_id']}")
    assert command["status"] == "done"
    assert len(trader.venue.paths("order/create")) == sent + 1
    assert trader.ledger_position() == trader.exchange_position() == "buy 0.03"


def test_a_worker_killed_in_the_middle_asks_and_does_not_resend(trader: TraderClient) -> None:
    trader.venue.control("fault", match="order/create", mode="accept_then_hang")
    sent = len(trader.venue.paths("order/create"))
    result = trader.order("sell", "0.01", wait_ms=0)
    wait_until(lambda: len(trader.venue.paths("order/create")) > sent, SECONDS_MAX, "it is sent")
    os.kill(trader.gateway.pid("worker"), signal.SIGKILL)
    path = f"/oms/commands/{result['command_id']}"
    body = wait_until(
        lambda: _done(trader.request("GET", path)[1]),
        SECONDS_MAX,
        "the next worker has resolved the order",
    )
    wait_until(
        lambda: _filled(trader.row("orders", body["order_id"])), SECONDS_MAX, "its fill is recorded"
    )
    assert len(trader.venue.paths("order/create")) == sent + 1
    assert trader.ledger_position() == trader.exchange_position() == "buy 0.02"


def test_direct_orders_are_external(trader: TraderClient) -> None:
    args = [SYMBOL, "market", "buy", 0.005]
    status, body = trader.request("POST", f"/ccxt/{trader.account_id}/create_order", {"args": args})
    assert status == 200, body
    name = body["result"]["id"]
    _, reconciled = trader.request("POST", "/oms/reconcile", {"account_id": trader.account_id})
    assert reconciled["results"][0]["ok"]
    _, orders = trader.request(
        "GET", f"/oms/orders/history?account_ids={trader.account_id}&since=0&page_size=500"
    )
    (external,) = [row for row in orders["items"] if row["exchange_order_id"] == name]
    assert (external["reason"], external["strategy_id"]) == ("external", 0)
    assert external["reconciled"] is False
    status, balance = trader.request("POST", f"/ccxt/core/{trader.account_id}/fetch_balance", {})
    assert status == 200
    assert float(balance["result"]["USDT"]["total"]) > 0


def test_the_books_are_sound(trader: TraderClient) -> None:
    body = trader.gateway.oms("verify", "--account-id", str(trader.account_id))
    assert body["ok"], body
    wait_until(
        lambda: trader.ledger_position() == trader.exchange_position(),
        SECONDS_MAX,
        "both books are equal",
    )


def _filled(order: dict[str, Any]) -> dict[str, Any] | None:
    return order if order["status"] == "FILLED" else None


def _done(command: dict[str, Any]) -> dict[str, Any] | None:
    return command if command["status"] == "done" else None
