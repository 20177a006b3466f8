"""``--join``: creates accounts of a running gateway that trade on this exchange, over its HTTP API.

On a second run the accounts with the same labels are updated to this process.
"""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
SECONDS_MAX = 20
#: Label, exchange id, key, environment, and name of the printed configuration. The mirror has the
#: key of the first account: both see each other's trades.
ACCOUNTS = (
    ("loopback", "ccxtpro.bybit", "loop-a", "testnet", "bybit"),
    ("loopback mirror", "ccxtpro.bybit", "loop-a", "testnet", "bybit"),
    ("loopback rest", "ccxt.bybit", "loop-b", "testnet", "bybit"),
    ("loopback binance", "ccxtpro.binance", "loop-c", "loopback", "binance_tls"),
)
_PERMISSIONS = (
    "can_read",
    "can_trade",
    "can_close_position",
    "can_risk_manage",
    "can_block_new_positions",
    "can_block_account",
)


class JoinFailed(Exception):
    """The gateway refused a request, or cannot be reached."""


@dataclass(frozen=True)
class GatewayClient:
    """A client of a running gateway with an administrator's key."""

    url: str
    api_key: str

    def send(self, method: str, path: str, body: Json | None = None) -> Json:
        """Sends a request; returns the body of the response. Raises ``JoinFailed``."""
        request = urllib.request.Request(
            self.url.rstrip("/") + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"x-api-key": self.api_key, "content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS_MAX) as response:
                result: Json = json.load(response)
        except urllib.error.HTTPError as error:
            content = error.read().decode(errors="replace")
            raise JoinFailed(f"{method} {path}: HTTP {error.code} {content}") from None
        except OSError as error:
            raise JoinFailed(f"{self.url} cannot be reached: {error}") from None
        return result


def join_gateway(
    gateway: GatewayClient, grant: int | None, keys: dict[str, str], extras: Json
) -> list[Json]:
    """Creates or updates the accounts and grants them to the API key ``grant``.

    Returns id, label and exchange id of each. Raises ``JoinFailed``.
    """
    existing = {row["label"]: row for row in gateway.send("GET", "/admin/accounts")["items"]}
    joined = []
    for label, exchange_id, key, environment, name in ACCOUNTS:
        extra = extras[name]
        if label in existing:
            account_id = existing[label]["account_id"]
        else:
            fields = {"exchange_id": exchange_id, "label": label, "environment": environment}
            account_id = _create_account(gateway, fields | {"extra_config_json": extra})
        credentials = {"api_key": key, "secret": keys[key]}
        change = {"extra_config_json": extra, "credentials": credentials}
        gateway.send("PATCH", f"/admin/accounts/{account_id}", change)
        if grant is not None:
            permissions: Json = dict.fromkeys(_PERMISSIONS, True)
            path = f"/admin/api-keys/{grant}/permissions"
            gateway.send("PUT", path, permissions | {"account_id": account_id})
        joined.append({"account_id": account_id, "label": label, "exchange_id": exchange_id})
    return joined


def _create_account(gateway: GatewayClient, fields: Json) -> int:
    defaults = {"position_mode": "netting", "is_testnet": True, "risk_preset": "open"}
    return int(gateway.send("POST", "/admin/accounts", defaults | fields)["account_id"])
