"""Rejections by the exchange: too many of them in a minute let the account only reduce."""

from typing import Any

from kit.databases.sql import fetch_rows
from kit.gateway.in_process import InProcessGateway
from kit.gateway.limited_account import (
    KEY,
    forget_limits,
    open_limited,
    reason_of,
    send,
    set_limits,
)

PAPER = '{"maker":"0","taker":"0","source":"manual","balances":{"USDT":"10000"}}'


async def _open(busy: InProcessGateway) -> InProcessGateway:
    return await open_limited(busy, "netting", f'{{"oms":{{"paper":{PAPER}}}}}')


async def _reject(gateway: InProcessGateway) -> None:
    result = await send(gateway, qty="100000")
    assert result["order"]["reject_source"] == "exchange", result


async def _tripped(gateway: InProcessGateway) -> list[Any]:
    path = f"/oms/events?account_ids={gateway.account_id}"
    items = (await gateway.client.get(path, key=KEY))["items"]
    return [row["payload"] for row in items if row["event"] == "risk_tripped"]


async def test_too_many_rejections_let_an_account_only_reduce(
    busy: InProcessGateway, dsn: str
) -> None:
    gateway = await _open(busy)
    assert reason_of(await send(gateway, qty="3")) is None
    await set_limits(gateway, auto_reject_rate_per_minute=3)
    for _ in range(2):
        await _reject(gateway)
    assert reason_of(await send(gateway)) is None
    await gateway.stop_worker()
    gateway.start_worker()
    await _reject(gateway)
    for _ in range(2):  # At once, and as it was read from the store.
        refused = await send(gateway)
        assert reason_of(refused) == "kill_switch", "the third rejection, two before a restart"
        assert refused["error"]["mode"] == "reduce_only"
        forget_limits(gateway)
    assert reason_of(await send(gateway, side="sell")) is None, "exits pass"
    switches = fetch_rows(dsn, "SELECT scope, scope_id, mode, cause, is_on FROM kill_switches")
    account = str(gateway.account_id)
    assert [tuple(row) for row in switches] == [
        ("account", account, "reduce_only", "auto_reject_rate", 1)
    ]
    (tripped,) = await _tripped(gateway)
    assert (tripped["key"], tripped["reason"], tripped["limit"], tripped["value"]) == (
        *("auto_reject_rate_per_minute", "auto_reject_rate", "3", 3),
    )
    audits = fetch_rows(dsn, "SELECT actor, account_id FROM audit_log WHERE action = 'kill_on'")
    assert [tuple(row) for row in audits] == [("system", gateway.account_id)]
    commands = fetch_rows(dsn, "SELECT status FROM oms_commands WHERE command_type = 'kill'")
    assert [tuple(row) for row in commands] == [("done",)]


async def test_refusals_of_the_gateway_are_no_rejections(busy: InProcessGateway, dsn: str) -> None:
    gateway = await _open(busy)
    await set_limits(gateway, auto_reject_rate_per_minute=1, max_order_notional="50")
    assert reason_of(await send(gateway)) == "max_order_notional"
    assert fetch_rows(dsn, "SELECT count(*) FROM kill_switches") == [(0,)]
