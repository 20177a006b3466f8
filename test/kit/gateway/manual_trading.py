"""Trading at manual prices in a gateway of this process: one key per account, no fees."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from kit.gateway.in_process import ADMIN_KEY, TRADER, InProcessGateway
from kit.polling import poll_until
from oms.ports.leases import Lease
from oms.ports.performance.equity_snapshots import EquitySnapshot
from oms.worker.equity_schedule import EquityScheduler

SPOT = "ETH/USDT"


@dataclass(slots=True)
class ManualTrading:
    """The gateway, and a key for each account."""

    gateway: InProcessGateway
    keys: dict[int, str] = field(default_factory=dict)

    @property
    def scheduler(self) -> EquityScheduler:
        """The schedule of the worker's snapshots."""
        scheduler = self.gateway.worker.equity_scheduler
        assert scheduler is not None
        return scheduler

    async def add_account(
        self, mode: str = "netting", report_currency: str = "USDT", **paper: Any
    ) -> int:
        """Return a new account at manual prices with 10000 USDT and without fees."""
        extra = _extra_config(report_currency, paper)
        account = await self.gateway.add_account(mode, json.dumps(extra))
        key = f"oms_trader-of-account-{account}"
        self.keys[account] = await self.gateway.add_key(
            f"trader {account}", key, grants={account: TRADER}
        )
        return account

    async def set_report_currency(self, account: int, currency: str, **paper: Any) -> None:
        """Value an account that was added with these settings in another currency."""
        body = {"extra_config_json": _extra_config(currency, paper)}
        path = f"/admin/accounts/{account}"
        answer = await self.gateway.client("PATCH", path, body, key=ADMIN_KEY)
        assert answer.status == 200, answer.body

    async def lease(self, account: int) -> Lease:
        """Return the worker's lease of an account, once it has one."""

        async def read() -> Lease | None:
            return self.gateway.worker.keeper.held.get(account)

        lease = await poll_until(read, bool)
        assert lease is not None
        return lease

    async def store_snapshot(
        self, account: int, ts: datetime, equity: str, flows: str = "0", currency: str = "USDT"
    ) -> None:
        """Store a snapshot of equity that is all cash."""
        zero = Decimal(0)
        snapshot = EquitySnapshot(
            account_id=account,
            ts=ts,
            currency=currency,
            cash=Decimal(equity),
            equity=Decimal(equity),
            unrealized=zero,
            realized=zero,
            fees=zero,
            flows=Decimal(flows),
        )
        lease = await self.lease(account)
        assert await self.gateway.store.equity_snapshots.add([(lease, snapshot)])

    async def get(self, account: int, path: str) -> Any:
        """Return the body of a read with the key of the account."""
        return await self.gateway.client.get(path, key=self.keys[account])

    async def set_price(self, account: int, price: str, symbol: str = SPOT) -> None:
        """Set a manual price."""
        await self.gateway.set_price(symbol, price, account_id=account, key=self.keys[account])

    async def deposit(self, account: int, currency: str, amount: str) -> None:
        """Deposit an amount; a negative one is withdrawn."""
        body = {"currency": currency, "amount": amount}
        path = f"/paper/{account}/deposit"
        answer = await self.gateway.client("POST", path, body, key=self.keys[account])
        assert answer.status == 200, answer.body

    async def trade(
        self, account: int, side: str, qty: str, symbol: str = SPOT, **more: Any
    ) -> int:
        """Execute a market order; return its position."""
        terms = {"symbol": symbol, "side": side, "order_type": "market", "qty": qty} | more
        body = {"account_id": account, "command": "send_order", "payload": terms}
        path = "/oms/commands?wait_ms=10000"
        answer = await self.gateway.client("POST", path, body, key=self.keys[account])
        assert answer.status == 200, answer.body
        position: int = answer.json()["results"][0]["order"]["position_id"]
        return position


def _extra_config(report_currency: str, paper: Mapping[str, Any]) -> Mapping[str, Any]:
    settings = {
        "source": "manual",
        "balances": {"USDT": "10000"},
        "maker": "0",
        "taker": "0",
        **paper,
    }
    return {"oms": {"paper": settings, "report_currency": report_currency}}
