"""Reads of kill switches, limited to what the caller's key may see.

A key sees a switch that affects an account which it may read, and of the report the accounts, and
the orders and positions of the strategies, that it may read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from oms.domain.access import (
    Permission,
    Principal,
    Role,
    allowed_strategies,
    refuse,
)
from oms.domain.commands.command import CommandStatus
from oms.domain.errors import NotFound
from oms.domain.risk.kill_switch import KillScope, KillSwitch
from oms.ports.admin.strategies import Strategies
from oms.ports.admin.user_admin import UserAdmin
from oms.ports.history_reads import HistoryReads
from oms.ports.kill_switches import KillSwitchStore
from oms.wire.commands.result_codec import load_result
from oms.wire.json import loads
from oms.wire.responses.kill_switch_rows import KillAccountReport

SWITCHES_LISTED_MAX = 500

_REPORT_KEYS: Mapping[str, Literal["order", "position"]] = {
    "canceled": "order",
    "not_canceled": "order",
    "closed": "position",
    "remaining": "position",
    "dust": "position",
}
"""What the ids of each key of a report name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KillSwitchReads:
    """Lists switches and their reports. Every method raises ``Unavailable``."""

    kills: KillSwitchStore
    strategies: Strategies
    people: UserAdmin
    history: HistoryReads

    async def list_visible(self, principal: Principal, *, is_on: bool) -> Sequence[KillSwitch]:
        """Return the newest switches that affect an account which the principal may read."""
        rows = await self.kills.all(is_on=is_on, limit=SWITCHES_LISTED_MAX)
        return await self.visible(principal, rows)

    async def get(self, principal: Principal, switch_id: int) -> KillSwitch:
        """Return a switch. Raises ``NotFound``, also for one that the principal may not see."""
        switch = await self.kills.find(switch_id)
        if switch is None or not await self.visible(principal, [switch]):
            raise NotFound(f"there is no kill switch {switch_id}")
        return switch

    async def report(self, principal: Principal, switch: KillSwitch) -> list[KillAccountReport]:
        """Return per readable account what was canceled and closed, and what is left."""
        report: list[KillAccountReport] = []
        for account_id, command_id, status, text in await self.kills.commands(switch):
            if refuse(principal, Permission.READ, account_id) is not None:
                continue
            result = load_result(CommandStatus(status), None, text, None)
            value = loads(result.value) if result.value is not None else {}
            ids = {name: value.get(name, []) for name in _REPORT_KEYS}
            ids = await self._narrow(principal, account_id, ids)
            report.append(
                {
                    "account_id": account_id,
                    "command_id": command_id,
                    "status": status,
                    "canceled": ids["canceled"],
                    "not_canceled": ids["not_canceled"],
                    "closed": ids["closed"],
                    "remaining": ids["remaining"],
                    "dust": ids["dust"],
                }
            )
        return report

    async def _narrow(
        self, principal: Principal, account_id: int, rows: dict[str, list[int]]
    ) -> dict[str, list[int]]:
        """Return the ids of the rows whose strategies the principal may read."""
        allowed = allowed_strategies(principal, account_id)
        if allowed is None:
            return rows
        narrowed: dict[str, list[int]] = {}
        for name, ids in rows.items():
            owners = await self.history.account_of(_REPORT_KEYS[name], ids)
            narrowed[name] = [i for i in ids if i in owners and owners[i][1] in allowed]
        return narrowed

    async def visible(
        self, principal: Principal, rows: Sequence[KillSwitch]
    ) -> Sequence[KillSwitch]:
        """Return the switches that affect an account which the principal may read."""
        if principal.role is Role.ADMIN:
            return rows
        readable = {i for i in principal.grants if refuse(principal, Permission.READ, i) is None}
        own_key = (KillScope.KEY, str(principal.api_key_id))
        seen = {own_key} | await self._seen_strategies(principal, rows, readable)
        seen |= await self._seen_keys(rows, readable)
        seen |= {(KillScope.ACCOUNT, str(account_id)) for account_id in readable}
        wide = (KillScope.GLOBAL, KillScope.SYMBOL)
        return [
            row
            for row in rows
            if (row.scope, row.scope_id) in seen or (row.scope in wide and readable)
        ]

    async def _seen_strategies(
        self, principal: Principal, rows: Sequence[KillSwitch], readable: set[int]
    ) -> set[tuple[KillScope, str]]:
        """Return the strategies that the principal may read on one of their accounts."""
        if not any(row.scope is KillScope.STRATEGY for row in rows):
            return set()
        return {
            (KillScope.STRATEGY, str(strategy.id))
            for strategy in await self.strategies.all()
            if any(
                refuse(principal, Permission.READ, i, (strategy.id,)) is None
                for i in readable.intersection(strategy.account_ids)
            )
        }

    async def _seen_keys(
        self, rows: Sequence[KillSwitch], readable: set[int]
    ) -> set[tuple[KillScope, str]]:
        """Return the keys that have a permission on a readable account."""
        key_ids = {int(row.scope_id) for row in rows if row.scope is KillScope.KEY}
        if not key_ids:
            return set()
        return {
            (KillScope.KEY, str(row.api_key_id))
            for row in await self.people.permissions(sorted(key_ids))
            if row.account_id in readable
        }
