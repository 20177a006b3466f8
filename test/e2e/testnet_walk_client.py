"""What a walk through a testnet needs: the target, an operator's requests, and a line a step.

It speaks to the gateway as an operator does, by its HTTP API and command line, and to nothing
else: the exchange is seen only through the gateway.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from kit.http.client import call
from kit.polling import wait_until

Json = dict[str, Any]
FILL_SECONDS_MAX = 30.0
SEE_SECONDS_MAX = 15.0
WAIT_MS = 30_000
NEEDED = ("OMS_TESTNET_EXCHANGE_ID", "OMS_TESTNET_API_KEY", "OMS_TESTNET_SECRET")


class NotSet(Exception):
    """The environment does not say where to walk."""


class Broken(Exception):
    """A request was refused: the steps behind it make no sense."""


class House(Protocol):
    """A gateway that runs: the admin's way in, and its command line."""

    base_url: str
    admin_api_key: str

    def oms(self, *arguments: str, statuses: tuple[int, ...] = (0,)) -> Any:
        """The JSON answer of one command."""


class Running:
    """The gateway that ``oms up`` runs over this home folder; it stays as it is."""

    def __init__(self, home: Path) -> None:
        told = json.loads((home / "first-run.json").read_text(encoding="utf-8"))
        self.base_url: str = told["base_url"]
        self.admin_api_key: str = told["admin_api_key"]
        self._home = home.resolve()

    def oms(self, *arguments: str, statuses: tuple[int, ...] = (0,)) -> Any:
        """See ``House``."""
        done = subprocess.run(
            [sys.executable, "-m", "oms", *arguments, "--json"],
            env={**os.environ, "OMS_HOME": str(self._home)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode not in statuses:
            raise Broken(f"oms {arguments[0]}: {done.returncode} {done.stderr}")
        return json.loads(done.stdout)


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where to walk, with which credentials, and how much to trade in one stroke."""

    exchange_id: str
    api_key: str
    secret: str
    passphrase: str
    environment: str
    extra_config: Json
    symbol: str
    unit: Decimal
    #: Home folder of the gateway that is used; ``None``: one of its own.
    home: Path | None

    @classmethod
    def told(cls, environ: Mapping[str, str]) -> "Target":
        """From variables ``OMS_TESTNET_*``. Raises ``NotSet`` in one line."""
        if missing := [name for name in NEEDED if not environ.get(name)]:
            example = "OMS_TESTNET_EXCHANGE_ID is ccxt.bybit or another, docs/how-to/testnet.md"
            raise NotSet(f"set {', '.join(missing)} ({example})")
        return cls(
            exchange_id=environ["OMS_TESTNET_EXCHANGE_ID"],
            api_key=environ["OMS_TESTNET_API_KEY"],
            secret=environ["OMS_TESTNET_SECRET"],
            passphrase=environ.get("OMS_TESTNET_PASSPHRASE", ""),
            environment=environ.get("OMS_TESTNET_ENVIRONMENT", "testnet"),
            extra_config=json.loads(environ.get("OMS_TESTNET_EXTRA_CONFIG", "{}")),
            symbol=environ.get("OMS_TESTNET_SYMBOL", "BTC/USDT:USDT"),
            unit=Decimal(environ.get("OMS_TESTNET_QTY", "0.002")),
            home=Path(home) if (home := environ.get("OMS_TESTNET_HOME")) else None,
        )


def plain(number: Decimal) -> str:
    """To 8 places, without exponent and needless zeros."""
    return format(round(number, 8).normalize(), "f") if number else "0"


def signed(position: Json) -> Decimal:
    """Its quantity, below zero if it is short."""
    quantity = Decimal(position["qty"])
    return quantity if position["side"] == "buy" else -quantity


@dataclass
class Desk:
    """An operator at a gateway; ``api_key`` is the walker's own once there is one."""

    gateway: House
    target: Target
    api_key: str
    began_ms: int = field(default_factory=lambda: int(time.time() * 1000))

    @property
    def base_url(self) -> str:
        """Where the gateway answers."""
        return self.gateway.base_url

    def ask(self, method: str, path: str, body: Any = None, *, admin: bool = False) -> Any:
        """The body of an answer. Raises ``Broken`` with what the gateway said."""
        key = self.gateway.admin_api_key if admin else self.api_key
        status, told, _ = call(self, method, path, body, key=key, seconds=90)
        if not 200 <= status < 300:
            raise Broken(f"{method} {path}: HTTP {status} {json.dumps(told)[:600]}")
        return told

    def send(self, account_id: int, command: str, **payload: Any) -> Json:
        """The result of a command that must be done."""
        body = {"account_id": account_id, "command": command, "payload": payload}
        result: Json = self.ask("POST", f"/oms/commands?wait_ms={WAIT_MS}", body)["results"][0]
        if result["status"] != "done":
            raise Broken(f"{command} {payload}: {json.dumps(result)[:600]}")
        return result

    def order(self, account_id: int, side: str, quantity: Decimal, **more: Any) -> Json:
        """The order, FILLED: at the market unless it is said otherwise."""
        wish = {"symbol": self.target.symbol, "side": side, "qty": plain(quantity)}
        sent = self.send(account_id, "send_order", **({"order_type": "market"} | wish | more))
        return self.filled(sent["order_id"])

    def filled(self, order_id: int) -> Json:
        """The order when it is FILLED."""
        return self._order(order_id, "FILLED")

    def canceled(self, order_id: int) -> Json:
        """The order when it is CANCELED."""
        return self._order(order_id, "CANCELED")

    def row(self, kind: str, row_id: int) -> Json:
        """An order, deal or position by its id."""
        found: Json = self.ask("GET", f"/oms/{kind}/{row_id}")["items"][0]
        return found

    def close(self, position: Json, **more: Any) -> Json:
        """Close a position, or a part of it; the order, FILLED."""
        wish = {"position_id": position["id"]} | more
        sent = self.send(position["account_id"], "close_position", **wish)
        return self.filled(sent["order_id"])

    def open_positions(self, account_id: int) -> list[Json]:
        """Open positions of the symbol, oldest first."""
        told = self.ask("GET", f"/oms/positions/open?account_ids={account_id}")
        rows = [row for row in told["items"] if row["symbol"] == self.target.symbol]
        return sorted(rows, key=lambda row: int(row["id"]))

    def held(self, account_id: int) -> Decimal:
        """The sum of all positions, strategies and unattributed."""
        return sum((signed(row) for row in self.open_positions(account_id)), Decimal(0))

    def held_there(self, account_id: int) -> Decimal:
        """The exchange's own position of the symbol."""
        rows = self.ccxt(account_id, "fetch_positions", [self.target.symbol])
        total = Decimal(0)
        for row in rows:
            size = Decimal(str(row["contracts"] or 0)) * Decimal(str(row["contractSize"] or 1))
            total += size if row["side"] == "long" else -size
        return total

    def price(self, account_id: int) -> Decimal:
        """What the symbol costs now."""
        ticker = self.ccxt(account_id, "fetch_ticker", self.target.symbol)
        return Decimal(str(ticker["ask"] or ticker["last"]))

    def trades_there(self, account_id: int) -> dict[str, Decimal]:
        """Quantities of the exchange's own trades since the walk began, by their id."""
        asked = (self.target.symbol, self.began_ms, 100)
        rows = self.ccxt(account_id, "fetch_my_trades", *asked)
        return {str(row["id"]): Decimal(str(row["amount"])) for row in rows}

    def deals(self, account_id: int) -> list[Json]:
        """Trades of the symbol in our book since the walk began, all pages."""
        rows: list[Json] = []
        path = f"/oms/deals?account_ids={account_id}&since={self.began_ms}&page_size=500&page="
        for page in range(1, 100):
            told = self.ask("GET", f"{path}{page}")["items"]
            rows += [row for row in told if row["symbol"] == self.target.symbol]
            if len(told) < 500:
                break
        return [row for row in rows if row["type"] == "trade" and row["exchange_trade_id"]]

    def orders(self, account_id: int) -> list[Json]:
        """Orders of the account since the walk began."""
        path = f"/oms/orders/history?account_ids={account_id}&since={self.began_ms}&page_size=500"
        rows: list[Json] = self.ask("GET", path)["items"]
        return rows

    def ccxt(self, account_id: int, func: str, *args: Any) -> Any:
        """What the exchange says, in ccxt's words."""
        return self.ask("POST", f"/ccxt/{account_id}/{func}", {"args": list(args)})["result"]

    def reconcile(self, account_ids: list[int]) -> list[Json]:
        """Compare the accounts with the exchange now; what each sweep did."""
        told = self.ask("POST", "/oms/reconcile", {"account_ids": account_ids})
        rows: list[Json] = told["results"]
        return rows

    def _order(self, order_id: int, status: str) -> Json:
        what = f"order {order_id} is {status}"
        try:
            return wait_until(lambda: self._in(order_id, status), FILL_SECONDS_MAX, what)
        except AssertionError as late:
            raise Broken(f"{late}: {json.dumps(self.row('orders', order_id))[:600]}") from None

    def _in(self, order_id: int, status: str) -> Json | None:
        row = self.row("orders", order_id)
        return row if row["status"] == status else None


@dataclass
class Walk:
    """The steps so far; each is printed when it is over."""

    began: float = field(default_factory=time.monotonic)
    wrong: int = 0

    def chapter(self, title: str) -> None:
        """What the next lines are about."""
        print(f"\n{title}", flush=True)

    def see(self, done: str, expected: object, look: Callable[[], object]) -> bool:
        """What was done, what was expected, what is seen at last: one line."""
        deadline = time.monotonic() + SEE_SECONDS_MAX
        while (seen := look()) != expected and time.monotonic() < deadline:
            time.sleep(0.2)
        self._tell(seen == expected, done, expected, seen)
        return seen == expected

    def stopped(self, why: object) -> None:
        """A step that could not be made."""
        self._tell(False, "stopped", "the step is done", why)

    def _tell(self, right: bool, done: str, expected: object, seen: object) -> None:
        self.wrong += not right
        second = f"{time.monotonic() - self.began:5.1f} s"
        mark = "ok " if right else "NOT"
        print(f"{mark} {second}  {done} | expected: {expected} | seen: {seen}", flush=True)


def without_settings() -> None:
    """Take the variables of the walk away from processes that are started later."""
    for name in [name for name in os.environ if name.startswith("OMS_TESTNET_")]:
        del os.environ[name]
