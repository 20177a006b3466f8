"""An account at a real exchange, through every floor: gateway, worker, ccxt, loopback exchange.

ccxt is the real one and unmodified; the exchange is a process that speaks Bybit's protocol.
"""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from kit.exchanges.loopback_process import LoopbackExchange, run_loopback
from kit.gateway.processes import Gateway
from kit.http.client import call
from kit.polling import wait_until

SYMBOL = "BTC/USDT:USDT"
SECONDS_MAX = 40.0


@dataclass
class Desk:
    """A trader at a joined account."""

    gateway: Gateway
    venue: LoopbackExchange
    account_id: int

    def send(self, command: str, wait_ms: int = 20_000, **payload: Any) -> dict[str, Any]:
        """A command's result, whatever became of it."""
        body = {"account_id": self.account_id, "command": command, "payload": payload}
        path = f"/oms/commands?wait_ms={wait_ms}"
        _, told = self.ask("POST", path, body)
        results = told["results"] if "results" in told else told["detail"]["results"]
        result: dict[str, Any] = results[0]
        return result

    def order(self, side: str, qty: str, **more: Any) -> dict[str, Any]:
        """Send an order, at the market unless it is said otherwise."""
        wish = {"symbol": SYMBOL, "side": side, "qty": qty, "order_type": "market"}
        return self.send("send_order", **(wish | more))

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and body of an answer."""
        status, told, _ = call(self.gateway, method, path, body)
        return status, told

    def row(self, kind: str, row_id: int) -> dict[str, Any]:
        """An order, deal or position."""
        _, told = self.ask("GET", f"/oms/{kind}/{row_id}")
        row: dict[str, Any] = told["items"][0]
        return row

    def held(self) -> str:
        """The net quantity of the symbol in our book."""
        _, told = self.ask("GET", f"/oms/positions/open?account_ids={self.account_id}")
        return ",".join(f"{p['side']} {p['qty']}" for p in told["items"])

    def held_there(self) -> str:
        """The same by the exchange's own books."""
        rows = self.venue.books("b")["positions"]
        return ",".join(
            f"{'sell' if row['qty'].startswith('-') else 'buy'} {row['qty'].lstrip('-')}"
            for row in rows
            if row["qty"] != "0"
        )


@pytest.fixture(scope="module")
def desk(gateway: Gateway) -> Iterator[Desk]:
    _, told, _ = call(gateway, "GET", "/user/api-keys")
    grant = str(told["items"][0]["api_key_id"])
    options = ("--join", gateway.base_url, "--api-key", gateway.admin_api_key, "--grant", grant)
    with run_loopback(*options) as venue:
        joined = {row["label"]: row["account_id"] for row in venue.next_line()["joined"]}
        yield Desk(gateway, venue, joined["loopback rest"])


def test_a_market_order_is_filled_and_becomes_a_position(desk: Desk) -> None:
    result = desk.order("buy", "0.01")
    assert (result["status"], result["error"]) == ("done", None)
    order = wait_until(
        lambda: _filled(desk.row("orders", result["order_id"])), SECONDS_MAX, "the fill is heard"
    )
    there = desk.venue.books("b")["orders"][0]
    assert order["exchange_order_id"] == there["order_id"]
    assert order["avg_fill_price"] == there["average"]
    assert desk.held() == desk.held_there() == "buy 0.01"


def test_a_resting_order_is_changed_and_canceled(desk: Desk) -> None:
    result = desk.order("buy", "0.01", order_type="limit", price="60000")
    assert result["order"]["status"] == "SUBMITTED"
    order_id = result["order_id"]
    changed = desk.send("change_order", order_id=order_id, new_price="61000")
    assert (changed["status"], changed["order"]["price"]) == ("done", "61000")
    canceled = desk.send("cancel_order", order_id=order_id)
    assert (canceled["status"], canceled["order"]["status"]) == ("done", "CANCELED")


def test_numbers_go_to_the_grid_on_their_harmless_side(desk: Desk) -> None:
    for side, price in (("buy", "60000.05"), ("sell", "80000.05")):
        sent = desk.order(side, "0.0029999", order_type="limit", price=price)
        expected = ("0.002", "60000" if side == "buy" else "80000.1")
        there = desk.venue.books("b")["orders"]
        named = {row["order_id"]: row for row in there}[sent["order"]["exchange_order_id"]]
        assert (sent["order"]["qty"], sent["order"]["price"]) == expected
        assert (named["qty"], named["price"]) == expected
        _, asked = desk.ask("GET", f"/oms/commands/{sent['command_id']}")
        assert (asked["payload"]["qty"], asked["payload"]["price"]) == ("0.0029999", price)
        desk.send("cancel_order", order_id=sent["order_id"])
    refused = desk.order("buy", "0.0029999", params={"precision": "refuse"})
    assert (refused["status"], refused["error"]["code"]) == ("refused", "precision_mismatch")


def test_a_rejection_says_what_the_exchange_said(desk: Desk) -> None:
    result = desk.order("buy", "900")
    assert result["status"] == "failed"
    assert (result["error"]["code"], result["error"]["outcome"]) == (
        "insufficient_funds",
        "rejected",
    )
    assert "110007" in result["error"]["message"]


def test_an_operator_sees_how_it_is_reached_and_asks_for_one_order(desk: Desk) -> None:
    _, told = desk.ask("GET", f"/oms/accounts/{desk.account_id}/connection")
    assert (told["answered"], told["engine"], told["trouble"]) == (True, "ccxt", None)
    assert any(host.startswith("127.0.0.1") for host in told["hosts_called"])
    assert told["last_call_at"] is not None and told["reconcile_lag_s"] < SECONDS_MAX
    _, record = desk.ask("GET", f"/oms/accounts/{desk.account_id}/capabilities")
    assert record["capabilities"]["hedge"] == {"value": "unified", "source": "table"}
    sent = desk.order("buy", "0.01", order_type="limit", price="60000")
    desk.venue.control("fault", match="order/realtime", mode="slow", ms=300)
    status, asked = desk.ask("POST", f"/oms/orders/{sent['order_id']}/refresh", {})
    assert (status, asked["status"], asked["order"]["status"]) == (200, "done", "SUBMITTED")
    desk.venue.control("clear")
    wish = {"action": "declare_not_placed", "comment": "it is there"}
    status, refused = desk.ask("POST", f"/oms/orders/{sent['order_id']}/resolve", wish)
    assert (status, refused["detail"]["code"]) == (409, "invalid_order_state")
    desk.send("cancel_order", order_id=sent["order_id"])


def test_a_lost_answer_is_found_and_never_sent_again(desk: Desk) -> None:
    desk.venue.control("fault", match="order/create", mode="accept_then_close")
    sent = len(desk.venue.paths("order/create"))
    result = desk.order("buy", "0.02")
    assert (result["status"], result["order"]["status"]) == ("unknown", "UNKNOWN")
    wait_until(
        lambda: _filled(desk.row("orders", result["order_id"])), SECONDS_MAX, "the order is found"
    )
    _, command = desk.ask("GET", f"/oms/commands/{result['command_id']}")
    assert command["status"] == "done"
    assert len(desk.venue.paths("order/create")) == sent + 1
    assert desk.held() == desk.held_there() == "buy 0.03"


def test_a_worker_killed_in_the_middle_asks_and_does_not_resend(desk: Desk) -> None:
    desk.venue.control("fault", match="order/create", mode="accept_then_hang")
    sent = len(desk.venue.paths("order/create"))
    result = desk.order("sell", "0.01", wait_ms=0)
    wait_until(lambda: len(desk.venue.paths("order/create")) > sent, SECONDS_MAX, "it is sent")
    os.kill(desk.gateway.pid("worker"), signal.SIGKILL)
    path = f"/oms/commands/{result['command_id']}"
    told = wait_until(
        lambda: _done(desk.ask("GET", path)[1]), SECONDS_MAX, "the next worker finds the order"
    )
    wait_until(
        lambda: _filled(desk.row("orders", told["order_id"])), SECONDS_MAX, "its fill is heard"
    )
    assert len(desk.venue.paths("order/create")) == sent + 1
    assert desk.held() == desk.held_there() == "buy 0.02"


def test_orders_past_the_ledger_are_external(desk: Desk) -> None:
    args = [SYMBOL, "market", "buy", 0.005]
    status, told = desk.ask("POST", f"/ccxt/{desk.account_id}/create_order", {"args": args})
    assert status == 200, told
    name = told["result"]["id"]
    _, swept = desk.ask("POST", "/oms/reconcile", {"account_id": desk.account_id})
    assert swept["results"][0]["ok"]
    _, orders = desk.ask(
        "GET", f"/oms/orders/history?account_ids={desk.account_id}&since=0&page_size=500"
    )
    (external,) = [row for row in orders["items"] if row["exchange_order_id"] == name]
    assert (external["reason"], external["strategy_id"]) == ("external", 0)
    assert external["reconciled"] is False
    status, balance = desk.ask("POST", f"/ccxt/core/{desk.account_id}/fetch_balance", {})
    assert status == 200
    assert float(balance["result"]["USDT"]["total"]) > 0


def test_the_books_are_sound(desk: Desk) -> None:
    told = desk.gateway.oms("verify", "--account-id", str(desk.account_id))
    assert told["ok"], told
    wait_until(lambda: desk.held() == desk.held_there(), SECONDS_MAX, "both books are equal")


def _filled(order: dict[str, Any]) -> dict[str, Any] | None:
    return order if order["status"] == "FILLED" else None


def _done(command: dict[str, Any]) -> dict[str, Any] | None:
    return command if command["status"] == "done" else None
