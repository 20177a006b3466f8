"""Honest clients of accounts at the loopback exchange: orders, cancels, changes, closes.

Each account has one client, which repeats a command under its request_id until it is taken down,
and does not wait for what the exchange makes of it.
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
_TAKEN = ("queued", "running", "unknown", "done", "failed", "refused")
_DEEDS = {
    "market": 30,
    "spot": 18,
    "limit": 30,
    "spot limit": 10,
    "close": 12,
    "cancel": 40,
    "change": 16,
    "sweep": 10,
    "stop": 24,
}


@dataclass
class ExchangeLoad:
    """Trades one account; ``price`` is about where the market is."""

    gateway: Gateway
    account: LoopbackAccount
    price: int
    seed: int
    pause: float
    done: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _made: list[int] = field(default_factory=list)
    _number: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(f"{self.seed}:{self.account.name}")
        self._link = FailoverConnection((self.gateway.base_url,), self.gateway.api_key)

    def run(self) -> None:
        """Trade until it is told to stop."""
        while not self._over.wait(self.pause * self._random.uniform(0.5, 1.5)):
            (deed,) = self._random.choices(list(_DEEDS), list(_DEEDS.values()))
            self._do(deed)
        self._link.close()

    def stop(self) -> None:
        """No more commands."""
        self._over.set()

    @property
    def orders(self) -> int:
        """Commands so far that make an order."""
        deeds = ("market", "spot", "limit", "spot limit", "stop", "close")
        return sum(self.done[deed] for deed in deeds)

    def _do(self, deed: str) -> None:
        match deed:
            case "market" | "spot":
                order = {"symbol": SPOT if deed == "spot" else LINEAR, "order_type": "market"}
                self._send(deed, order | {"side": self._side(), "qty": self._qty()})
            case "limit" | "spot limit":
                side = self._side()
                order = {"symbol": LINEAR if deed == "limit" else SPOT, "order_type": "limit"}
                self._send(
                    deed, order | {"side": side, "qty": self._qty(), "price": self._resting(side)}
                )
            case "stop":
                self._send(deed, self._stop())
            case "close":
                self._close()
            case "sweep":
                self._sweep()
            case _:
                self._follow(deed)

    def _side(self) -> str:
        return self._random.choice(("buy", "sell"))

    def _qty(self) -> str:
        return f"0.{self._random.randint(1, 30):03d}"

    def _stop(self) -> dict[str, Any]:
        """One that waits where the market soon comes, and fills or rests there."""
        side, kind = self._side(), self._random.choice(("market", "limit"))
        up = 1 if side == "buy" else -1
        trigger = self.price + up * self._random.randint(50, 700)
        terms = {"order_type": f"stop_{kind}", "trigger_price": str(trigger)}
        if kind == "limit":
            terms["price"] = str(trigger + up * self._random.randint(-200, 100))
        symbol = self._random.choice((LINEAR, LINEAR, SPOT))
        return {"symbol": symbol, "side": side, "qty": self._qty(), **terms}

    def _resting(self, side: str) -> str:
        away = self._random.randint(50, 900)
        return str(self.price - away if side == "buy" else self.price + away)

    def _send(self, deed: str, payload: dict[str, Any]) -> None:
        told = self._told(deed, "send_order", payload)
        if told is not None and told.get("order_id"):
            self._made.append(int(told["order_id"]))

    def _close(self) -> None:
        held = self._asked(f"/oms/positions/open?account_ids={self.account.account_id}")
        if held:
            position = self._random.choice(held)
            self._told("close", "close_position", {"position_id": position["id"]})

    def _sweep(self) -> None:
        """Ask for a sweep, and do not wait until it is over."""
        wish = {"account_ids": [self.account.account_id], "scope": "short"}
        try:
            call(self.gateway, "POST", "/oms/reconcile", wish, seconds=0.3)
        except OSError:
            self.done["sweep begun"] += 1
        else:
            self.done["sweep"] += 1

    def _follow(self, deed: str) -> None:
        """Cancel or change one of the orders that are open, or of the last ones."""
        rows = self._asked(f"/oms/orders/open?account_ids={self.account.account_id}")
        resting = [row for row in rows if row["order_type"] in ("limit", "stop_limit")]
        known = {row["id"]: row for row in resting}
        ids = [*known, *self._made[-1:]]
        if not ids:
            return
        order_id = self._random.choice(ids)
        if deed == "cancel":
            self._told(deed, "cancel_order", {"order_ids": [order_id]})
        elif order_id in known:
            side = str(known[order_id]["side"])
            terms = {"new_price": self._resting(side)}
            if self._random.random() < 0.4:
                terms = {"new_qty": f"0.{self._random.randint(31, 60):03d}"}
            self._told(deed, "change_order", {"order_id": order_id} | terms)

    def _told(self, deed: str, command: str, payload: dict[str, Any]) -> dict[str, Any] | None:
        """The command once it is taken down; ``None`` where it was refused at the door."""
        self._number += 1
        body = {
            "account_id": self.account.account_id,
            "request_id": f"{self.account.name}-{self._number}",
            "command": command,
            "payload": payload,
        }
        while not self._over.is_set():
            try:
                status, answer = self._link.post(
                    "/oms/commands?wait_ms=200", json.dumps(body).encode()
                )
            except (OSError, http.client.HTTPException, ValueError):
                self._over.wait(0.1)
                continue
            results = answer.get("results") or (answer.get("detail") or {}).get("results") or []
            if results and results[0].get("status") in _TAKEN:
                self.done[deed] += 1
                return dict(results[0])
            if 400 <= status < 500:
                self.refused.append(f"{status} {str(answer)[:300]}")
                return None
            self._over.wait(0.1)
        return None

    def _asked(self, path: str) -> list[dict[str, Any]]:
        try:
            status, answer = self._link.get(path)
        except (OSError, http.client.HTTPException, ValueError):
            return []
        return list(answer["items"]) if status == 200 else []
