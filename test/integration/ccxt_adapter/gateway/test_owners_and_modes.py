"""Credentials that lead elsewhere, and a mode that does not fit: both hold the account."""

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


@pytest.fixture
def dsn(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'oms.sqlite3'}"


async def _inbox(house: ExchangeSetup) -> list[tuple[str, str]]:
    rows = (await house.client.get("/oms/discrepancies?status=open"))["items"]
    return [(row["class"], row["policy"]) for row in rows]


async def _sweep(house: ExchangeSetup) -> dict[str, Any]:
    answer = await house.client("POST", "/oms/reconcile", {"account_id": house.account_id})
    row: dict[str, Any] = answer.json()["results"][0]
    return row


async def test_nothing_is_sent_with_credentials_of_another_account(
    house: ExchangeSetup, venue: LoopbackExchange, dsn: str
) -> None:
    house.owner = "another"
    await house.start_account()
    refused = await house.send()
    assert (refused["error"]["code"], refused["error"]["reason"]) == ("auth_failed", CHANGED)
    closing = await house.send("cancel_all_orders", symbol=LINEAR)
    assert closing["error"]["reason"] == CHANGED, "not even a way out leads there"
    home = house.gateway.worker.processor.states[house.account_id]
    unavailable_reason = home.exchange.unavailable_reason()
    assert unavailable_reason is not None
    for _ in range(2):
        await house.gateway.worker.processor.record_unreachable(
            house.account_id, unavailable_reason
        )
    told = await poll_until(lambda: _inbox(house), bool)
    assert told == [(CHANGED, "quarantine")]
    held = "SELECT COUNT(*) FROM accounts WHERE quarantine = 'credentials_changed_owner'"
    assert fetch_number(dsn, held) == 1
    assert [path for path in venue.paths("v5") if "order" in path or "execution" in path] == []

    house.owner = None
    await house.restart_worker(live_allowed=False)
    assert (await _sweep(house))["ok"]
    assert (await _inbox(house), fetch_number(dsn, held)) == ([], 0)
    assert (await house.send())["ok"]


async def test_the_first_connection_says_whose_the_credentials_are(
    venue: LoopbackExchange, tables: Path
) -> None:
    shelf, kept = MarketCache(), list[str]()
    told = ClientSpec(
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
        if owner in kept:
            raise Unavailable("the store is away")
        kept.append(owner)

    async def opened(spec: ClientSpec) -> None:
        async def asked() -> ClientSpec:
            return spec

        client = DecryptingClient(asked, shelf, own)
        try:
            await client.open()
        finally:
            await client.close()

    await opened(told)
    assert len(kept) == 1
    await opened(evolve(told, owner=kept[0]))
    with pytest.raises(NotSent):
        await opened(told)
    other = evolve(told, api_key="loop-b", secret=venue.startup["keys"]["loop-b"], owner=kept[0])
    with pytest.raises(Rejected) as refused:
        await opened(other)
    assert (refused.value.code, refused.value.reason, len(kept)) == ("auth_failed", CHANGED, 1)
    settings = {**told.extra_config, "oms": {"exchange_owner": refused.value.message.split()[5]}}
    await opened(evolve(other, extra_config=settings))
    assert len(kept) == 2


async def test_two_legs_do_not_fit_a_net_position(
    house: ExchangeSetup, venue: LoopbackExchange, dsn: str
) -> None:
    await house.start_account()
    assert (await _sweep(house))["ok"]
    home = house.gateway.worker.processor.states[house.account_id]
    connection: Any = home.exchange._components.connection  # type: ignore[attr-defined]
    await connection.write("set_position_mode", True, LINEAR)
    venue.control("external", symbol=LINEAR, side="buy", qty="0.1", leg="long")
    assert (await _sweep(house))["discrepancies"] == 0
    assert await _inbox(house) == [], "once may be a change on its way"
    execute(dsn, "UPDATE discrepancies SET first_seen = '2020-01-01T00:00:00.000000Z'")
    await _sweep(house)
    assert ("position_mode_differs", "quarantine") in await _inbox(house)
    assert (await house.send())["error"]["reason"] == "account_quarantined"

    venue.control("external", symbol=LINEAR, side="sell", qty="0.1", leg="long", reduce_only=True)
    await connection.write("set_position_mode", False, LINEAR)
    await _sweep(house)
    assert await _inbox(house) == []
    assert (await house.send())["ok"]


async def test_history_that_is_not_told_is_shown(house: ExchangeSetup, dsn: str) -> None:
    await house.start_account()
    assert (await _sweep(house))["ok"]
    home = house.gateway.worker.processor.states[house.account_id]
    reader: Any = home.exchange._components.reader  # type: ignore[attr-defined]
    reader._profile = evolve(reader._profile, history_days_max=1)
    wish = {
        "account_id": house.account_id,
        "scope": "period",
        "start_date": "2020-01-01T00:00:00Z",
        "end_date": now().isoformat(),
    }
    answer = await house.client("POST", "/oms/reconcile", wish)
    assert answer.json()["results"][0]["ok"], answer.body
    assert home.reaches_from is not None
    assert timedelta(hours=22) < now() - home.reaches_from < timedelta(hours=24)
    (counts,) = fetch_rows(dsn, "SELECT counts_json FROM reconcile_runs WHERE scope = 'period'")
    assert loads(counts[0])["history_unreachable"] == time_text(home.reaches_from)
