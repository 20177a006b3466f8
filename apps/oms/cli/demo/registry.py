"""Users, keys, accounts and strategies of the demo, made by an admin over HTTP."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from oms.bootstrap.simulated_gateway import SimulatedGateway
from oms.cli.demo.planned_trades import COIN, HEDGE, NETTING, STRATEGIES
from oms.domain.value import value
from oms.ports.audit_log import AuditContext

_FULL = (
    "can_trade",
    "can_close_position",
    "can_risk_manage",
    "can_block_new_positions",
    "can_block_account",
)
_TRADES = ("can_trade", "can_close_position")
#: User name: role, and the flags of his key on every account.
_USERS: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "trader": ("trader", _FULL),
        "robot": ("robot", _TRADES),
        "manager": ("portfolio_manager", _FULL),
        "risk": ("risk", _FULL),
        "viewer": ("readonly", ()),
    }
)
#: Account: exchange, position mode, settings of the paper exchange, and currency of its figures.
_ACCOUNTS: Mapping[str, tuple[str, str, Mapping[str, Any], str]] = MappingProxyType(
    {
        HEDGE: ("paper.binance", "hedge", {"balances": {"USDT": "100000"}}, "USDT"),
        NETTING: ("paper.bybit", "netting", {"balances": {"USDT": "50000"}}, "USDT"),
        COIN: ("paper.okx", "netting", {"balances": {"BTC": "1.5", "ETH": "20"}}, "BTC"),
    }
)


@value
class DemoRegistry:
    """Ids and secrets of what was created; keys and passwords by user name; a robot has none."""

    account_ids: Mapping[str, int]
    strategy_ids: Mapping[str, int]
    keys: Mapping[str, str]
    passwords: Mapping[str, str]


async def create_registry(
    gateway: SimulatedGateway, seed: int, walk_start: datetime
) -> DemoRegistry:
    """Create everything; prices of the accounts begin at ``walk_start``.

    Keys and passwords are random, and differ from one demo to the next.
    """
    context = AuditContext(actor="demo", at=gateway.clock.now(), role="admin")
    admin, _ = await gateway.administer.ensure_user("admin", "admin", context)
    passwords = {"admin": secrets.token_urlsafe(9)}
    await gateway.administer.change_user(admin.id, None, None, passwords["admin"], context)
    _, admin_key = await gateway.administer.create_granted_key(admin.id, None, "demo", context)

    async def post(path: str, body: object) -> Any:
        return await gateway.request("POST", path, body, key=admin_key)

    account_ids = {}
    for label, (exchange, mode, paper, currency) in _ACCOUNTS.items():
        walk = {"seed": seed, "walk_start": walk_start.isoformat()}
        extra = {"oms": {"paper": {**paper, **walk}, "report_currency": currency}}
        account: dict[str, object] = {"exchange_id": exchange, "label": label}
        account |= {"position_mode": mode, "environment": "paper", "is_testnet": False}
        created = await post("/admin/accounts", account | {"extra_config_json": extra})
        account_ids[label] = int(created["account_id"])
    strategy_ids = {}
    for label, strategies in STRATEGIES.items():
        for name in strategies:
            strategy = {"name": name, "account_ids": [account_ids[label]]}
            strategy_ids[name] = int((await post("/admin/strategies", strategy))["strategy_id"])
    keys = {"admin": admin_key}
    for name, (role, flags) in _USERS.items():
        granted: dict[str, object] = dict.fromkeys(flags, True)
        if role == "robot":
            granted |= {"restrict_to_strategies": True, "strategy_ids": [*strategy_ids.values()]}
        user: dict[str, object] = {"user_name": name, "role": role, "label": "demo"}
        if role != "robot":
            user["password"] = passwords[name] = secrets.token_urlsafe(9)
        permissions = [{"account_id": i, **granted} for i in account_ids.values()]
        created = await post("/admin/users-with-api-key", user | {"permissions": permissions})
        keys[name] = str(created["api_key_plain"])
    await gateway.take_leases()
    return DemoRegistry(
        account_ids=account_ids, strategy_ids=strategy_ids, keys=keys, passwords=passwords
    )
