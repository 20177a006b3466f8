"""``--join``: accounts of a running gateway that trade here, made through its HTTP API.

Joined a second time, the accounts of the same labels are led to this process again.
"""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
SECONDS_MAX = 20
#: Label, exchange id, key, environment, and which of the printed settings. The mirror has the key
#: of the first: both see each other's trades.
ACCOUNTS = (
    ("loopback", "ccxtpro.bybit", "loop-a", "testnet", "bybit"),
    ("loopback mirror", "ccxtpro.bybit", "loop-a", "testnet", "bybit"),
    ("loopback rest", "ccxt.bybit", "loop-b", "testnet", "bybit"),
    ("loopback binance", "ccxtpro.binance", "loop-c", "loopback", "binance_tls"),
)
_RIGHTS = (
    "can_read",
    "can_trade",
    "can_close_position",
    "can_risk_manage",
    "can_block_new_positions",
    "can_block_account",
)


class JoinFailed(Exception):
    """The gateway has refused, or cannot be reached."""


@dataclass(frozen=True)
class GatewayClient:
    """A running gateway and an admin's key."""

    url: str
    api_key: str

    def ask(self, method: str, path: str, body: Json | None = None) -> Json:
        """One request. Raises ``NotJoined``."""
        request = urllib.request.Request(
            self.url.rstrip("/") + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"x-api-key": self.api_key, "content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:
                told: Json = json.load(answer)
        except urllib.error.HTTPError as refused:
            words = refused.read().decode(errors="replace")
            raise JoinFailed(f"{method} {path}: HTTP {refused.code} {words}") from None
        except OSError as gone:
            raise JoinFailed(f"{self.url} cannot be reached: {gone}") from None
        return told


def join_gateway(
    gateway: GatewayClient, grant: int | None, keys: dict[str, str], extras: Json
) -> list[Json]:
    """Make the accounts and grant them to an API key; id, label and exchange id of each.

    Raises ``NotJoined``.
    """
    known = {row["label"]: row for row in gateway.ask("GET", "/admin/accounts")["items"]}
    made = []
    for label, exchange_id, key, environment, name in ACCOUNTS:
        extra = extras[name]
        if label in known:
            account_id = known[label]["account_id"]
        else:
            wish = {"exchange_id": exchange_id, "label": label, "environment": environment}
            account_id = _make(gateway, wish | {"extra_config_json": extra})
        credentials = {"api_key": key, "secret": keys[key]}
        change = {"extra_config_json": extra, "credentials": credentials}
        gateway.ask("PATCH", f"/admin/accounts/{account_id}", change)
        if grant is not None:
            rights: Json = dict.fromkeys(_RIGHTS, True)
            path = f"/admin/api-keys/{grant}/permissions"
            gateway.ask("PUT", path, rights | {"account_id": account_id})
        made.append({"account_id": account_id, "label": label, "exchange_id": exchange_id})
    return made


def _make(gateway: GatewayClient, wish: Json) -> int:
    usual = {"position_mode": "netting", "is_testnet": True}
    return int(gateway.ask("POST", "/admin/accounts", usual | wish)["account_id"])
