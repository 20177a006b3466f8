"""The gateway under attack: processes of its own, users, and two accounts with rows.

Every text of the foreign account contains ``FOREIGN``, and every text of the other strategy on the
own account ``OTHER_STRATEGY``: a response that contains one of them was shown to the wrong caller.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kit.attack.keep_alive_client import Answer, KeepAliveClient
from kit.attack.stall_monitor import beats_environment
from kit.gateway.processes import Gateway
from kit.http.permission_table import PERMISSION_FLAGS
from kit.polling import wait_until

FOREIGN = "FOREIGN-7f3a"
OTHER_STRATEGY = "OTHER-STRATEGY-7f3a"
SYMBOL = "BTC/USDT:USDT"
ENVIRONMENT = {
    "OMS_TRUSTED_PROXIES": "127.0.0.1/32",
    "OMS_LIMITS_READ_PER_SECOND": "100000",
    "OMS_LIMITS_CCXT_PER_SECOND": "100000",
    "OMS_ACCESS_CACHE_SECONDS": "1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountIds:
    """Ids of one account and of rows in it; ``strategy_id`` owns one of each kind."""

    account_id: int
    strategy_id: int
    order_id: int
    position_id: int
    deal_id: int
    command_id: int
    kill_id: int


@dataclass(slots=True)
class AttackTarget:
    """A running gateway with its admin client and the ids of its rows."""

    gateway: Gateway
    client: KeepAliveClient
    #: What ``loop_beats`` writes.
    beats: Path
    own: AccountIds = field(init=False)
    foreign: AccountIds = field(init=False)
    #: Another strategy on the own account.
    other: AccountIds = field(init=False)
    #: An account without rows, on which keys have the same permissions as on the own one.
    spare_account_id: int = 0
    #: Ids that administration may change without an effect on other probes.
    spare_user_id: int = 0
    spare_key_id: int = 0
    spare_strategy_id: int = 0
    foreign_key_id: int = 0
    trader_key: str = ""

    @classmethod
    def start(cls, folder: Path) -> "AttackTarget":
        """Start the gateway and create its rows."""
        beats = folder / "beats"
        gateway = Gateway(folder, environment=ENVIRONMENT | beats_environment(beats))
        target = cls(gateway, KeepAliveClient(gateway.port), beats)
        try:
            gateway.start()
            target._create_rows()
        except BaseException:
            target.stop()
            raise
        return target

    def stop(self) -> None:
        """End its processes."""
        self.client.close()
        self.gateway.stop()

    def admin(self, method: str, path: str, body: object = None) -> Any:
        """Send a request of the admin, which must succeed; returns its body."""
        answer = self.client.send(method, path, key=self.gateway.admin_api_key, body=body)
        assert answer.status == 200, (method, path, answer)
        return answer.body

    def add_user(
        self, name: str, role: str, permissions: Sequence[dict[str, Any]], **more: object
    ) -> tuple[int, int, str]:
        """Create a user; returns its id, the id of its key, and the key."""
        body = {"user_name": name, "role": role, "permissions": permissions} | more
        made = self.admin("POST", "/admin/users-with-api-key", body)
        return made["user_id"], made["api_key_id"], made["api_key_plain"]

    def full_permission(self, *account_ids: int, **more: object) -> list[dict[str, Any]]:
        """All flags on the accounts."""
        flags = dict.fromkeys(PERMISSION_FLAGS, True)
        return [{"account_id": account_id, **flags, **more} for account_id in account_ids]

    def log_text(self) -> str:
        """The output of all processes."""
        return self.gateway.log.read_text(encoding="utf-8", errors="replace")

    def _create_rows(self) -> None:
        own, foreign, spare = (self._create_account(n) for n in ("own", FOREIGN, "spare"))
        permissions = self.full_permission(own, foreign, spare)
        _, _, self.trader_key = self.add_user("every account", "trader", permissions)
        wait_until(lambda: self._is_tradable((own, foreign, spare)), 20, "the accounts are leased")
        self.own = self._create_account_rows(own, "own", "")
        self.foreign = self._create_account_rows(foreign, FOREIGN, FOREIGN)
        self.other = self._create_account_rows(own, OTHER_STRATEGY, OTHER_STRATEGY)
        self.own = replace(self.own, kill_id=self._pull_kill_switch(spare, ""))
        self.foreign = replace(self.foreign, kill_id=self._pull_kill_switch(foreign, FOREIGN))
        self.spare_account_id = spare
        self.spare_strategy_id = self._create_strategy("spare", spare)
        self.spare_user_id, self.spare_key_id, _ = self.add_user("spare", "readonly", [])
        _, self.foreign_key_id, _ = self.add_user(
            f"user {FOREIGN}", "trader", self.full_permission(foreign), label=FOREIGN
        )

    def _create_account(self, label: str) -> int:
        body = {
            "exchange_id": "paper.binance",
            "label": label,
            "position_mode": "strategy_netting",
            "is_testnet": False,
            "extra_config_json": {"oms": {"paper": {"source": "manual"}}},
        }
        return int(self.admin("POST", "/admin/accounts", body)["account_id"])

    def _create_strategy(self, name: str, account_id: int) -> int:
        body = {"name": name, "account_ids": [account_id]}
        return int(self.admin("POST", "/admin/strategies", body)["strategy_id"])

    def _create_account_rows(self, account_id: int, name: str, comment: str) -> AccountIds:
        strategy_id = self._create_strategy(f"strategy {name}", account_id)
        self._order(account_id, strategy_id, comment)
        resting = self._order(account_id, strategy_id, comment, resting=True)
        query = f"account_ids={account_id}&strategy_id={strategy_id}"
        listed = {
            kind: self._trader("GET", f"/oms/{kind}?{query}{window}").body["items"]
            for kind, window in (("positions/open", ""), ("deals", "&since=2020-01-01"))
        }
        return AccountIds(
            account_id=account_id,
            strategy_id=strategy_id,
            order_id=resting["order_id"],
            command_id=resting["command_id"],
            position_id=listed["positions/open"][0]["id"],
            deal_id=listed["deals"][0]["id"],
            kill_id=0,
        )

    def _pull_kill_switch(self, account_id: int, mark: str) -> int:
        """Activate a kill switch of the account that keeps its orders; returns its id."""
        body = {
            "scope": "account",
            "scope_id": account_id,
            "mode": "reduce_only",
            "comment": f"exercise {mark}",
            "cancel_entries": False,
        }
        return int(self.admin("POST", "/risk/kill", body)["id"])

    def _order(
        self, account_id: int, strategy_id: int, comment: str, *, resting: bool = False
    ) -> Any:
        """Place an order that is executed at once, or rests; returns its command result."""
        payload: dict[str, Any] = {"symbol": SYMBOL, "side": "buy", "qty": "0.01"}
        payload |= {"order_type": "market", "strategy_id": strategy_id}
        if resting:
            payload |= {"order_type": "limit", "price": "20000"}
        if comment:
            payload |= {"comment": comment}
        command = {"account_id": account_id, "command": "send_order", "payload": payload}
        answer = self._trader("POST", "/oms/commands?wait_ms=10000", command)
        assert answer.status == 200, answer
        return answer.body["results"][0]

    def _is_tradable(self, account_ids: Sequence[int]) -> bool:
        for account_id in account_ids:
            price = {"account_id": account_id, "symbol": SYMBOL, "price": "50000"}
            if self._trader("POST", "/paper/price", price).status != 200:
                return False
        return True

    def _trader(self, method: str, path: str, body: object = None) -> Answer:
        return self.client.send(method, path, key=self.trader_key, body=body)


def with_ids(node: Any, ids: dict[str, Any]) -> Any:
    """Return a JSON value in which keys named in ``ids`` have these values."""
    if isinstance(node, dict):
        return {name: ids[name] if name in ids else with_ids(v, ids) for name, v in node.items()}
    if isinstance(node, list):
        return [with_ids(item, ids) for item in node]
    return json.loads(json.dumps(node))
