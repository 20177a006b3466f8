"""Money of an account at an exchange: cash, equity, and limits that are counted against it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from kit.exchanges.ccxt_harness import LINEAR
from kit.exchanges.loopback_process import LoopbackExchange
from kit.gateway.exchange_setup import ExchangeSetup
from kit.gateway.in_process import ADMIN_KEY
from kit.gateway.limited_account import forget_limits
from kit.polling import poll_until
from oms.adapters.clock import SystemClock
from oms.domain.performance.balances import AGE_MAX
from oms.services.performance.account_equity import ReadAccountEquity

MARKET = {"order_type": "market", "price": None}


async def _start(setup: ExchangeSetup, venue: LoopbackExchange) -> ExchangeSetup:
    """Return the setup with an account that its worker reads."""
    venue.control("price", symbol=LINEAR, price="60000")
    await setup.start_account()
    await setup.reconcile()
    return setup


async def _portfolio(setup: ExchangeSetup) -> dict[str, Any]:
    body = await setup.client.get(f"/portfolio?account_ids={setup.account_id}")
    row: dict[str, Any] = body["items"][0]
    return row


async def _settled(setup: ExchangeSetup, positions: int) -> dict[str, Any]:
    """Return the portfolio once it is marked and its balances follow the last deal."""
    take = setup.gateway.worker.equity_scheduler
    assert take is not None
    value = take.take.value_accounts

    async def read() -> Any:
        return (await value([setup.account_id]))[setup.account_id]

    await poll_until(
        read,
        lambda each: (
            each.is_settled
            and each.value.equity is not None
            and len(each.stored.positions) == positions
        ),
        seconds=20,
    )
    return await _portfolio(setup)


async def _set_limit(setup: ExchangeSetup, **keys: Any) -> None:
    body = {"scope": "account", "scope_id": setup.account_id, "keys": keys, "comment": "a test"}
    answer = await setup.gateway.client("PUT", "/risk/policy", body, key=ADMIN_KEY)
    assert answer.status == 200, answer.body
    forget_limits(setup.gateway)


def _reader(setup: ExchangeSetup) -> ReadAccountEquity:
    reader = setup.gateway.worker.processor.read_equity
    assert isinstance(reader, ReadAccountEquity)
    return reader


async def test_equity_is_the_wallet_and_the_profit_of_contracts(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    setup = await _start(exchange_setup, venue)
    before = await _settled(setup, 0)
    (usdt,) = (each for each in before["balances"] if each["currency"] == "USDT")
    assert before["balances_at"] is not None

    sent = await setup.send(**MARKET, qty="0.1")
    await setup.wait_for_order(sent["order_id"], "FILLED")
    await setup.reconcile()
    row = await _settled(setup, 1)
    earned = Decimal(row["total_pnl"])
    assert Decimal(row["equity"]) == Decimal(row["cash"]) + Decimal(row["unrealized"])
    assert Decimal(row["equity"]) == Decimal(before["equity"]) + earned
    assert Decimal(row["fees"]) > 0 and earned < 0
    (held,) = (each for each in row["balances"] if each["currency"] == "USDT")
    assert Decimal(held["total"]) == Decimal(usdt["total"]) - Decimal(row["fees"])

    await setup.send("close_position", position_id=row["positions"][0]["id"])
    flat = await _settled(setup, 0)
    assert (flat["equity"], flat["unrealized"]) == (flat["cash"], "0")
    assert Decimal(flat["equity"]) == Decimal(before["equity"]) + Decimal(flat["total_pnl"])


async def test_limits_are_counted_against_the_equity_while_it_is_known(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    setup = await _start(exchange_setup, venue)
    equity = Decimal((await _settled(setup, 0))["equity"])
    await _set_limit(setup, max_capital_per_position_pct="1")
    share = equity / 100 / 10000
    refused = await setup.send(qty=str(round(share + Decimal("0.01"), 3)))
    assert (refused["error"]["reason"], refused["error"]["limit"]) == ("max_capital_pct", "1")
    accepted = await setup.send(qty="0.02")
    assert accepted["ok"], accepted["error"]

    _age_balances(setup)
    row = await _portfolio(setup)
    assert (row["equity"], row["cash"], row["balances"]) == (None, None, None)
    _reader(setup).forget()
    refused = await setup.send(qty="0.02")
    assert (refused["error"]["code"], refused["error"]["reason"]) == ("risk_blocked", "risk_error")


def _age_balances(setup: ExchangeSetup) -> None:
    """Let the figures be computed at a time at which the last balances are too old."""
    scheduler = setup.gateway.worker.equity_scheduler
    assert scheduler is not None
    values = [scheduler.take.value_accounts, _reader(setup).value_accounts]
    values.append(setup.gateway.app.state.api_context.performance.portfolio.value_accounts)
    for each in values:
        object.__setattr__(each, "clock", _LateClock())


class _LateClock(SystemClock):
    def now(self) -> Any:
        return super().now() + AGE_MAX + timedelta(seconds=1)
