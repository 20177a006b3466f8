"""Clients that trade accounts at the loopback exchange: orders, cancels, changes, closes.

Each account has one client, which repeats a command with its request_id until the gateway has
accepted it, and does not wait for the exchange.
"""

import http.client
import json
import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from kit.gateway.loopback_accounts import LoopbackAccount
from kit.gateway.processes import Gateway
from kit.http.client import call
from kit.load.command_load import FailoverConnection

LINEAR, SPOT = "BTC/USDT:USDT", "BTC/USDT"
_ACCEPTED_STATUSES = ("queued", "running", "unknown", "done", "failed", "refused")
_ACTION_WEIGHTS = {
    "market": 30,
    "spot": 18,
    "limit": 30,
    "spot limit": 10,
    "close": 12,
    "cancel": 40,
    "change": 16,
    "reconcile": 10,
    "stop": 24,
}


@dataclass
class ExchangeLoad:
    """Trades one account around ``price``."""

    gateway: Gateway
    account: LoopbackAccount
    price: int
    seed: int
    pause: float
    done: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _order_ids: list[int] = field(default_factory=list)
    _number: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(f"{self.seed}:{self.account.name}")
        self._connection = FailoverConnection((self.gateway.base_url,), self.gateway.api_key)

    def run(self) -> None:
        """Trade until ``stop`` is called."""
        while not self._stopped.wait(self.pause * self._random.uniform(0.5, 1.5)):
            (action,) = self._random.choices(list(_ACTION_WEIGHTS), list(_ACTION_WEIGHTS.values()))
            self._perform(action)
        self._connection.close()

    def stop(self) -> None:
        """Send no more commands."""
        self._stopped.set()

    @property
    def orders(self) -> int:
        """Number of commands so far that create an order."""
        actions = ("market", "spot", "limit", "spot limit", "stop", "close")
        return sum(self.done[action] for action in actions)

    def _perform(self, action: str) -> None:
        match action:
            case "market" | "spot":
                order = {"symbol": SPOT if action == "spot" else LINEAR, "order_type": "market"}
                self._send(action, order | {"side": self._side(), "qty": self._qty()})
            case "limit" | "spot limit":
                side = self._side()
                order = {"symbol": LINEAR if action == "limit" else SPOT, "order_type": "limit"}
                self._send(
                    action, order | {"side": side, "qty": self._qty(), "price": self._resting(side)}
                )
            case "stop":
                self._send(action, self._stop_order())
            case "close":
                self._close()
            case "reconcile":
                self._reconcile()
            case _:
                self._cancel_or_change(action)

    def _side(self) -> str:
        return self._random.choice(("buy", "sell"))

    def _qty(self) -> str:
        return f"0.{self._random.randint(1, 30):03d}"

    def _stop_order(self) -> dict[str, Any]:
        """A stop order that the market soon triggers; it fills or rests then."""
        side, kind = self._side(), self._random.choice(("market", "limit"))
        sign = 1 if side == "buy" else -1
        trigger = self.price + sign * self._random.randint(50, 700)
        terms = {"order_type": f"stop_{kind}", "trigger_price": str(trigger)}
        if kind == "limit":
            terms["price"] = str(trigger + sign * self._random.randint(-200, 100))
        symbol = self._random.choice((LINEAR, LINEAR, SPOT))
        return {"symbol": symbol, "side": side, "qty": self._qty(), **terms}

    def _resting(self, side: str) -> str:
        distance = self._random.randint(50, 900)
        return str(self.price - distance if side == "buy" else self.price + distance)

    def _send(self, action: str, payload: dict[str, Any]) -> None:
        result = self._send_command(action, "send_order", payload)
        if result is not None and result.get("order_id"):
            self._order_ids.append(int(result["order_id"]))

    def _close(self) -> None:
        positions = self._read(f"/oms/positions/open?account_ids={self.account.account_id}")
        if positions:
            position = self._random.choice(positions)
            self._send_command("close", "close_position", {"position_id": position["id"]})

    def _reconcile(self) -> None:
        """Request a reconcile run without waiting for its end."""
        request = {"account_ids": [self.account.account_id], "scope": "short"}
        try:
            call(self.gateway, "POST", "/oms/reconcile", request, seconds=0.3)
        except OSError:
            self.done["reconcile started"] += 1
        else:
            self.done["reconcile"] += 1

    def _cancel_or_change(self, action: str) -> None:
        """Cancel or change one of the open orders or the last one."""
        rows = self._read(f"/oms/orders/open?account_ids={self.account.account_id}")
        resting = [row for row in rows if row["order_type"] in ("limit", "stop_limit")]
        resting_by_id = {row["id"]: row for row in resting}
        ids = [*resting_by_id, *self._order_ids[-1:]]
        if not ids:
            return
        order_id = self._random.choice(ids)
        if action == "cancel":
            self._send_command(action, "cancel_order", {"order_ids": [order_id]})
        elif order_id in resting_by_id:
            side = str(resting_by_id[order_id]["side"])
            terms = {"new_price": self._resting(side)}
            if self._random.random() < 0.4:
                terms = {"new_qty": f"0.{self._random.randint(31, 60):03d}"}
            self._send_command(action, "change_order", {"order_id": order_id} | terms)

    def _send_command(
        self, action: str, command: str, payload: dict[str, Any]
    ) -> dict[str, Any] | None:
        """The result once the command is accepted; ``None`` if it was refused on submit."""
        self._number += 1
        body = {
            "account_id": self.account.account_id,
            "request_id": f"{self.account.name}-{self._number}",
            "command": command,
            "payload": payload,
        }
        while not self._stopped.is_set():
            try:
                status, answer = self._connection.post(
                    "/oms/commands?wait_ms=200", json.dumps(body).encode()
                )
            except (OSError, http.client.HTTPException, ValueError):
                self._stopped.wait(0.1)
                continue
            results = answer.get("results") or (answer.get("detail") or {}).get("results") or []
            if results and results[0].get("status") in _ACCEPTED_STATUSES:
                self.done[action] += 1
                return dict(results[0])
            if 400 <= status < 500:
                self.refused.append(f"{status} {str(answer)[:300]}")
                return None
            self._stopped.wait(0.1)
        return None

    def _read(self, path: str) -> list[dict[str, Any]]:
        try:
            status, answer = self._connection.get(path)
        except (OSError, http.client.HTTPException, ValueError):
            return []
        return list(answer["items"]) if status == 200 else []
