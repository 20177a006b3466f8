"""The target of a testnet walk, an operator's requests, and the printed steps.

The client uses the gateway as an operator does, through its HTTP API and command line only: the
exchange is seen only through the gateway.
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
SEE_SECONDS_MAX = 30.0
WAIT_MS = 30_000
NEEDED = ("OMS_TESTNET_EXCHANGE_ID", "OMS_TESTNET_API_KEY", "OMS_TESTNET_SECRET")


class MissingSettings(Exception):
    """The environment does not name the target."""


class RequestFailed(Exception):
    """A request was refused, so the following steps cannot be made."""


class GatewayAccess(Protocol):
    """A running gateway: the address and key of the admin, and the command line."""

    base_url: str
    admin_api_key: str

    def oms(self, *arguments: str, statuses: tuple[int, ...] = (0,)) -> Any:
        """Return the JSON output of a command."""


class RunningGateway:
    """The gateway that ``oms up`` runs in this folder; it is left running."""

    def __init__(self, home: Path) -> None:
        first_run = json.loads((home / "first-run.json").read_text(encoding="utf-8"))
        self.base_url: str = first_run["base_url"]
        self.admin_api_key: str = first_run["admin_api_key"]
        self._home = home.resolve()

    def oms(self, *arguments: str, statuses: tuple[int, ...] = (0,)) -> Any:
        """See ``GatewayAccess``."""
        done = subprocess.run(
            [sys.executable, "-m", "oms", *arguments, "--json"],
            env={**os.environ, "OMS_HOME": str(self._home)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode not in statuses:
            raise RequestFailed(f"oms {arguments[0]}: {done.returncode} {done.stderr}")
        return json.loads(done.stdout)


@dataclass(frozen=True, kw_only=True)
class Target:
    """The exchange, the credentials, and the quantity of one trade."""

    exchange_id: str
    api_key: str
    secret: str
    passphrase: str
    environment: str
    extra_config: Json
    symbol: str
    unit: Decimal
    #: Folder of a running gateway; ``None``: the walk starts its own.
    home: Path | None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Target":
        """Read the variables ``OMS_TESTNET_*``. Raises ``MissingSettings`` with one line."""
        if missing := [name for name in NEEDED if not environ.get(name)]:
            example = "OMS_TESTNET_EXCHANGE_ID is ccxt.bybit or another, docs/how-to/testnet.md"
            raise MissingSettings(f"set {', '.join(missing)} ({example})")
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
    """Return the number with 8 places at most, without exponent and trailing zeros."""
    return format(round(number, 8).normalize(), "f") if number else "0"


def signed(position: Json) -> Decimal:
    """Return the position's quantity, below zero if it is short."""
    quantity = Decimal(position["qty"])
    return quantity if position["side"] == "buy" else -quantity


@dataclass
class OperatorClient:
    """An operator of a gateway; ``api_key`` is the walk's own key once it exists."""

    gateway: GatewayAccess
    target: Target
    api_key: str
    began_ms: int = field(default_factory=lambda: int(time.time() * 1000))

    @property
    def base_url(self) -> str:
        """The address of the gateway."""
        return self.gateway.base_url

    def request(self, method: str, path: str, body: Any = None, *, admin: bool = False) -> Any:
        """Return the body of a response. Raises ``RequestFailed`` with the gateway's message."""
        key = self.gateway.admin_api_key if admin else self.api_key
        status, body, _ = call(self, method, path, body, key=key, seconds=90)
        if not 200 <= status < 300:
            raise RequestFailed(f"{method} {path}: HTTP {status} {json.dumps(body)[:600]}")
        return body

    def send(self, account_id: int, command: str, **payload: Any) -> Json:
        """Return the result of a command, which must be done."""
        body = {"account_id": account_id, "command": command, "payload": payload}
        result: Json = self.request("POST", f"/oms/commands?wait_ms={WAIT_MS}", body)["results"][0]
        if result["status"] != "done":
            raise RequestFailed(f"{command} {payload}: {json.dumps(result)[:600]}")
        return result

    def order(self, account_id: int, side: str, quantity: Decimal, **more: Any) -> Json:
        """Send an order, a market order by default, and return it FILLED."""
        payload = {"symbol": self.target.symbol, "side": side, "qty": plain(quantity)}
        sent = self.send(account_id, "send_order", **({"order_type": "market"} | payload | more))
        return self.filled(sent["order_id"])

    def filled(self, order_id: int) -> Json:
        """Return the order when it is FILLED."""
        return self._order(order_id, "FILLED")

    def canceled(self, order_id: int) -> Json:
        """Return the order when it is CANCELED."""
        return self._order(order_id, "CANCELED")

    def row(self, kind: str, row_id: int) -> Json:
        """Return an order, deal or position by its id."""
        found: Json = self.request("GET", f"/oms/{kind}/{row_id}")["items"][0]
        return found

    def close(self, position: Json, **more: Any) -> Json:
        """Close a position, or a part of it; return the order FILLED."""
        payload = {"position_id": position["id"]} | more
        sent = self.send(position["account_id"], "close_position", **payload)
        return self.filled(sent["order_id"])

    def open_positions(self, account_id: int) -> list[Json]:
        """Return the open positions of the symbol, oldest first."""
        body = self.request("GET", f"/oms/positions/open?account_ids={account_id}")
        rows = [row for row in body["items"] if row["symbol"] == self.target.symbol]
        return sorted(rows, key=lambda row: int(row["id"]))

    def ledger_position(self, account_id: int) -> Decimal:
        """Return the sum of all positions, those without a strategy included."""
        return sum((signed(row) for row in self.open_positions(account_id)), Decimal(0))

    def exchange_position(self, account_id: int) -> Decimal:
        """Return the exchange's own position of the symbol."""
        rows = self.ccxt(account_id, "fetch_positions", [self.target.symbol])
        total = Decimal(0)
        for row in rows:
            size = Decimal(str(row["contracts"] or 0)) * Decimal(str(row["contractSize"] or 1))
            total += size if row["side"] == "long" else -size
        return total

    def price(self, account_id: int) -> Decimal:
        """Return the current price of the symbol."""
        ticker = self.ccxt(account_id, "fetch_ticker", self.target.symbol)
        return Decimal(str(ticker["ask"] or ticker["last"]))

    def exchange_trades(self, account_id: int) -> dict[str, Decimal]:
        """Return quantities of the exchange's own trades since the walk began, by their id."""
        asked = (self.target.symbol, self.began_ms, 100)
        rows = self.ccxt(account_id, "fetch_my_trades", *asked)
        return {str(row["id"]): Decimal(str(row["amount"])) for row in rows}

    def deals(self, account_id: int) -> list[Json]:
        """Return the deals of the symbol in the ledger since the walk began, all pages."""
        rows: list[Json] = []
        path = f"/oms/deals?account_ids={account_id}&since={self.began_ms}&page_size=500&page="
        for page in range(1, 100):
            body = self.request("GET", f"{path}{page}")["items"]
            rows += [row for row in body if row["symbol"] == self.target.symbol]
            if len(body) < 500:
                break
        return [row for row in rows if row["type"] == "trade" and row["exchange_trade_id"]]

    def orders(self, account_id: int) -> list[Json]:
        """Return the orders of the account since the walk began."""
        path = f"/oms/orders/history?account_ids={account_id}&since={self.began_ms}&page_size=500"
        rows: list[Json] = self.request("GET", path)["items"]
        return rows

    def ccxt(self, account_id: int, func: str, *args: Any) -> Any:
        """Call a ccxt method of the exchange."""
        return self.request("POST", f"/ccxt/{account_id}/{func}", {"args": list(args)})["result"]

    def reconcile(self, account_ids: list[int]) -> list[Json]:
        """Reconcile the accounts now. Returns the result of each pass."""
        body = self.request("POST", "/oms/reconcile", {"account_ids": account_ids})
        rows: list[Json] = body["results"]
        return rows

    def _order(self, order_id: int, status: str) -> Json:
        what = f"order {order_id} is {status}"
        try:
            return wait_until(lambda: self._in(order_id, status), FILL_SECONDS_MAX, what)
        except AssertionError as late:
            raise RequestFailed(
                f"{late}: {json.dumps(self.row('orders', order_id))[:600]}"
            ) from None

    def _in(self, order_id: int, status: str) -> Json | None:
        row = self.row("orders", order_id)
        return row if row["status"] == status else None


@dataclass
class Walk:
    """The steps so far; each is printed when it ends."""

    began: float = field(default_factory=time.monotonic)
    failures: int = 0

    def chapter(self, title: str) -> None:
        """Print the title of the next steps."""
        print(f"\n{title}", flush=True)

    def see(self, done: str, expected: object, look: Callable[[], object]) -> bool:
        """Wait for the expected value, and print the step with what was seen."""
        deadline = time.monotonic() + SEE_SECONDS_MAX
        while (seen := look()) != expected and time.monotonic() < deadline:
            time.sleep(0.2)
        self._print_step(seen == expected, done, expected, seen)
        return seen == expected

    def stopped(self, why: object) -> None:
        """Print a step that could not be made."""
        self._print_step(False, "stopped", "the step is done", why)

    def _print_step(self, right: bool, done: str, expected: object, seen: object) -> None:
        self.failures += not right
        second = f"{time.monotonic() - self.began:5.1f} s"
        mark = "ok " if right else "NOT"
        print(f"{mark} {second}  {done} | expected: {expected} | seen: {seen}", flush=True)


def remove_settings() -> None:
    """Remove the walk's variables from the environment of child processes."""
    for name in [name for name in os.environ if name.startswith("OMS_TESTNET_")]:
        del os.environ[name]
