"""Credentials of another account, and a position mode that does not fit: both hold the account."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kit.databases.sql import execute, fetch_number, fetch_rows
from kit.exchanges.ccxt_harness import LINEAR
from kit.exchanges.loopback_process import LoopbackExchange
from kit.gateway.exchange_setup import ExchangeSetup
from kit.gateway.in_process import now
from kit.polling import poll_until
from oms.adapters.ccxt.client.decrypting_client import DecryptingClient
from oms.adapters.ccxt.client.market_cache import MarketCache
from oms.adapters.ccxt.client.request_errors import NotSent, Rejected
from oms.adapters.ccxt.client.venue_client import ClientSpec
from oms.domain.errors import Unavailable
from oms.domain.value import evolve
from oms.wire.json import loads, time_text

CHANGED = "credentials_changed_owner"


async def _confirmed(exchange_setup: ExchangeSetup) -> list[tuple[str, str]]:
    """Class and policy of each open discrepancy."""
    rows = await exchange_setup.discrepancies("open")
    return [(row["class"], row["policy"]) for row in rows]


async def test_nothing_is_sent_with_credentials_of_another_account(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange, dsn: str
) -> None:
    exchange_setup.owner = "another"
    await exchange_setup.start_account()
    refused = await exchange_setup.send()
    assert (refused["error"]["code"], refused["error"]["reason"]) == ("auth_failed", CHANGED)
    closing = await exchange_setup.send("cancel_all_orders", symbol=LINEAR)
    assert closing["error"]["reason"] == CHANGED, "not even a cancel is sent there"
    state = exchange_setup.gateway.worker.processor.states[exchange_setup.account_id]
    unavailable_reason = state.exchange.unavailable_reason()
    assert unavailable_reason is not None
    for _ in range(2):
        await exchange_setup.gateway.worker.processor.record_unreachable(
            exchange_setup.account_id, unavailable_reason
        )
    client_spec = await poll_until(lambda: _confirmed(exchange_setup), bool)
    assert client_spec == [(CHANGED, "quarantine")]
    held = "SELECT COUNT(*) FROM accounts WHERE quarantine = 'credentials_changed_owner'"
    assert fetch_number(dsn, held) == 1
    assert [path for path in venue.paths("v5") if "order" in path or "execution" in path] == []

    exchange_setup.owner = None
    await exchange_setup.restart_worker(live_allowed=False)
    await exchange_setup.reconcile()
    assert (await exchange_setup.discrepancies(), fetch_number(dsn, held)) == ([], 0)
    assert (await exchange_setup.send())["ok"]


async def test_the_first_connection_records_the_owner_of_the_credentials(
    venue: LoopbackExchange, tables: Path
) -> None:
    market_cache, owners = MarketCache(), list[str]()
    client_spec = ClientSpec(
        account_id=1,
        venue="bybit",
        engine="ccxt",
        environment="loopback",
        api_key="loop-a",
        secret=venue.startup["keys"]["loop-a"],
        extra_config=venue.startup["extra_config"]["bybit"],
        cache_folder=tables,
    )

    async def own(owner: str) -> None:
        if owner in owners:
            raise Unavailable("the store is away")
        owners.append(owner)

    async def opened(spec: ClientSpec) -> None:
        async def asked() -> ClientSpec:
            return spec

        client = DecryptingClient(asked, market_cache, own)
        try:
            await client.open()
        finally:
            await client.close()

    await opened(client_spec)
    assert len(owners) == 1
    await opened(evolve(client_spec, owner=owners[0]))
    with pytest.raises(NotSent):
        await opened(client_spec)
    other = evolve(
        client_spec, api_key="loop-b", secret=venue.startup["keys"]["loop-b"], owner=owners[0]
    )
    with pytest.raises(Rejected) as refused:
        await opened(other)
    assert (refused.value.code, refused.value.reason, len(owners)) == ("auth_failed", CHANGED, 1)
    settings = {
        **client_spec.extra_config,
        "oms": {"exchange_owner": refused.value.message.split()[5]},
    }
    await opened(evolve(other, extra_config=settings))
    assert len(owners) == 2


async def test_two_legs_do_not_fit_a_net_position(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange, dsn: str
) -> None:
    await exchange_setup.start_account()
    await exchange_setup.reconcile()
    state = exchange_setup.gateway.worker.processor.states[exchange_setup.account_id]
    connection: Any = state.exchange._components.connection  # type: ignore[attr-defined]
    await connection.write("set_position_mode", True, LINEAR)
    venue.control("external", symbol=LINEAR, side="buy", qty="0.1", leg="long")
    assert (await exchange_setup.reconcile())["discrepancies"] == 0
    assert await _confirmed(exchange_setup) == [], "one read may be a change under way"
    execute(dsn, "UPDATE discrepancies SET first_seen = '2020-01-01T00:00:00.000000Z'")
    await exchange_setup.reconcile()
    assert ("position_mode_differs", "quarantine") in await _confirmed(exchange_setup)
    assert (await exchange_setup.send())["error"]["reason"] == "account_quarantined"

    venue.control("external", symbol=LINEAR, side="sell", qty="0.1", leg="long", reduce_only=True)
    await connection.write("set_position_mode", False, LINEAR)
    await exchange_setup.reconcile()
    assert await exchange_setup.discrepancies() == []
    assert (await exchange_setup.send())["ok"]


async def test_unavailable_history_is_reported(exchange_setup: ExchangeSetup, dsn: str) -> None:
    await exchange_setup.start_account()
    await exchange_setup.reconcile()
    state = exchange_setup.gateway.worker.processor.states[exchange_setup.account_id]
    lists: Any = state.exchange._components.reader._lists  # type: ignore[attr-defined]
    lists._profile = evolve(lists._profile, history_days_max=1)
    await exchange_setup.reconcile(
        scope="period", start_date="2020-01-01T00:00:00Z", end_date=now().isoformat()
    )
    assert state.reaches_from is not None
    assert timedelta(hours=22) < now() - state.reaches_from < timedelta(hours=24)
    (counts,) = fetch_rows(dsn, "SELECT counts_json FROM reconcile_runs WHERE scope = 'period'")
    assert loads(counts[0])["history_unreachable"] == time_text(state.reaches_from)
