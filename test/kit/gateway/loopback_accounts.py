"""Accounts of a gateway that trade at a loopback exchange, each with credentials of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

from kit.exchanges.loopback_process import LoopbackExchange
from kit.gateway.processes import Gateway
from kit.http.client import call, get
from kit.polling import wait_until

INITIAL_USDT = "100000"
_RIGHTS = (
    "can_read",
    "can_trade",
    "can_close_position",
    "can_risk_manage",
    "can_block_new_positions",
    "can_block_account",
)


@dataclass(frozen=True)
class LoopbackAccount:
    """One account on both sides: our id, and the name (and key) at the exchange."""

    account_id: int
    name: str
    exchange_id: str

    @property
    def dialect(self) -> str:
        """The exchange whose protocol it speaks."""
        return self.exchange_id.partition(".")[2]


#: Environment of an account, and which of the printed settings lead it here.
_WAYS = {"bybit": ("testnet", "bybit"), "binance": ("loopback", "binance_tls")}


def add_loopback_accounts(
    gateway: Gateway, venue: LoopbackExchange, exchange_ids: Sequence[str]
) -> list[LoopbackAccount]:
    """New accounts at the loopback exchange that the trader's key may trade, in USDT."""
    made = [
        _added(gateway, venue, f"storm-{number}", exchange_id)
        for number, exchange_id in enumerate(exchange_ids)
    ]
    wanted = {each.account_id for each in made}
    wait_until(lambda: wanted <= _known(gateway), 20, "the key knows its accounts")
    return made


def _added(
    gateway: Gateway, venue: LoopbackExchange, name: str, exchange_id: str
) -> LoopbackAccount:
    secret = f"secret of {name}"
    venue.control("account", key=name, secret=secret, account=name, balances={"USDT": INITIAL_USDT})
    environment, settings = _WAYS[exchange_id.partition(".")[2]]
    wish = {
        "exchange_id": exchange_id,
        "label": name,
        "environment": environment,
        "is_testnet": True,
        "position_mode": "netting",
        "extra_config_json": venue.startup["extra_config"][settings],
    }
    account_id = int(_asked(gateway, "POST", "/admin/accounts", wish)["account_id"])
    credentials = {"credentials": {"api_key": name, "secret": secret}}
    _asked(gateway, "PATCH", f"/admin/accounts/{account_id}", credentials)
    rights = dict.fromkeys(_RIGHTS, True) | {"account_id": account_id}
    _asked(gateway, "PUT", f"/admin/api-keys/{_key_id(gateway)}/permissions", rights)
    return LoopbackAccount(account_id, name, exchange_id)


def _key_id(gateway: Gateway) -> int:
    rows = _asked(gateway, "GET", "/admin/users-api-keys")["items"]
    (key_id,) = (
        row["api_key_id"] for row in rows if gateway.api_key.startswith(str(row["key_prefix"]))
    )
    return int(key_id)


def _known(gateway: Gateway) -> set[int]:
    return {row["account_id"] for row in get(gateway, "/oms/accounts")["items"]}


def _asked(gateway: Gateway, method: str, path: str, body: object = None) -> dict[str, object]:
    status, told, _ = call(gateway, method, path, body, key=gateway.admin_api_key)
    assert status == 200, (method, path, status, told)
    return dict(told)
