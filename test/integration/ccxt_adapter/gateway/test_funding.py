"""Funding of real exchanges: each payment once, by its own id, with its sign."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.exchanges.loopback_process import LoopbackExchange
from kit.gateway.exchange_setup import ExchangeSetup

LINEAR = "BTC/USDT:USDT"


@pytest.mark.parametrize("dialect", ["binance", "bybit"])
@pytest.mark.parametrize("side", ["buy", "sell"])
async def test_funding_is_booked_once_with_its_sign(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange, dialect: str, side: str
) -> None:
    today = datetime.now(UTC)
    due = (today - timedelta(days=1)).replace(hour=8, minute=0, second=0, microsecond=0)
    venue.control("clock", at=(due - timedelta(minutes=10)).isoformat())
    venue.control("price", symbol=LINEAR, price="60000")
    venue.control("external", symbol=LINEAR, side=side, qty="0.5")
    venue.control("funding", symbol=LINEAR, rate="0.0001")
    venue.control("clock", at=(due + timedelta(minutes=10)).isoformat())
    venue.control("price", symbol=LINEAR, price="60000")
    venue.control("clock", offset_s=0)
    exchange_setup.exchange_id = f"ccxt.{dialect}"
    await exchange_setup.start_account(**venue.startup["extra_config"][dialect])
    for _ in range(2):
        await reconcile(exchange_setup)
    paid = [row for row in await deals(exchange_setup, today) if row["type"] == "funding"]
    first = [row for row in paid if row["executed_at"].startswith(due.strftime("%Y-%m-%dT%H"))]
    assert len(first) == 1, paid
    assert len({row["exchange_trade_id"] for row in paid}) == len(paid)
    amount = Decimal(first[0]["pnl"])
    assert abs(amount) == 3 and (amount < 0) is (side == "buy")


async def reconcile(setup: ExchangeSetup) -> None:
    body = {"account_id": setup.account_id, "scope": "long"}
    answer = await setup.client("POST", "/oms/reconcile", body)
    assert answer.status == 200 and answer.json()["results"][0]["ok"], answer.body


async def deals(setup: ExchangeSetup, today: datetime) -> list[dict[str, Any]]:
    days = f"start_date={(today - timedelta(days=9)).date()}&end_date={today.date()}"
    fields = await setup.client.get(f"/oms/deals?account_ids={setup.account_id}&{days}")
    rows: list[dict[str, Any]] = fields["items"]
    return rows
