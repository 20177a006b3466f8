"""Accounts of a gateway at a loopback exchange, each with its own credentials."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kit.exchanges.loopback_process import LoopbackExchange
from kit.gateway.processes import Gateway
from kit.http.client import call, get
from kit.http.permission_table import PERMISSION_FLAGS
from kit.polling import wait_until

INITIAL_USDT = "100000"


@dataclass(frozen=True)
class LoopbackAccount:
    """One account: our id, and its name and key at the exchange."""

    account_id: int
    name: str
    exchange_id: str

    @property
    def dialect(self) -> str:
        """The exchange whose API it uses."""
        return self.exchange_id.partition(".")[2]


#: Environment of an account, and the key of its settings in ``LoopbackExchange.startup``.
_ENVIRONMENTS = {
    "bybit": ("testnet", "bybit"),
    "binance": ("loopback", "binance_tls"),
    "okx": ("testnet", "okx"),
}


def add_loopback_accounts(
    gateway: Gateway,
    venue: LoopbackExchange,
    exchange_ids: Sequence[str],
    settings: Sequence[Mapping[str, str]] = (),
) -> list[LoopbackAccount]:
    """Adds accounts at the loopback exchange, with USDT, that the trader's key may trade.

    ``settings`` are those of each account in ``oms`` of its ``extra_config_json``; by default none.
    """
    accounts = [
        _add_account(gateway, venue, f"load-{number}", exchange_id, own)
        for number, (exchange_id, own) in enumerate(
            zip(exchange_ids, settings or [{}] * len(exchange_ids), strict=True)
        )
    ]
    account_ids = {each.account_id for each in accounts}
    wait_until(
        lambda: account_ids <= _visible_account_ids(gateway),
        20,
        "the key has access to the accounts",
    )
    return accounts


def _add_account(
    gateway: Gateway,
    venue: LoopbackExchange,
    name: str,
    exchange_id: str,
    own: Mapping[str, str],
) -> LoopbackAccount:
    secret = f"secret of {name}"
    key = {"key": name, "secret": secret, "passphrase": secret}
    venue.control("account", **key, account=name, balances={"USDT": INITIAL_USDT})
    environment, settings = _ENVIRONMENTS[exchange_id.partition(".")[2]]
    extra_config = venue.startup["extra_config"][settings]
    account = {
        "exchange_id": exchange_id,
        "label": name,
        "environment": environment,
        "is_testnet": True,
        "position_mode": "netting",
        "risk_preset": "open",
        "extra_config_json": {**extra_config, "oms": extra_config.get("oms", {}) | own},
    }
    account_id = int(_admin_call(gateway, "POST", "/admin/accounts", account)["account_id"])
    credentials = {"credentials": {"api_key": name, "secret": secret, "passphrase": secret}}
    _admin_call(gateway, "PATCH", f"/admin/accounts/{account_id}", credentials)
    permissions = dict.fromkeys(PERMISSION_FLAGS, True) | {"account_id": account_id}
    _admin_call(gateway, "PUT", f"/admin/api-keys/{_key_id(gateway)}/permissions", permissions)
    return LoopbackAccount(account_id, name, exchange_id)


def _key_id(gateway: Gateway) -> int:
    rows = _admin_call(gateway, "GET", "/admin/users-api-keys")["items"]
    (key_id,) = (
        row["api_key_id"] for row in rows if gateway.api_key.startswith(str(row["key_prefix"]))
    )
    return int(key_id)


def _visible_account_ids(gateway: Gateway) -> set[int]:
    return {row["account_id"] for row in get(gateway, "/oms/accounts")["items"]}


def _admin_call(gateway: Gateway, method: str, path: str, body: object = None) -> dict[str, object]:
    status, response, _ = call(gateway, method, path, body, key=gateway.admin_api_key)
    assert status == 200, (method, path, status, response)
    return dict(response)
