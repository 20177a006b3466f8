"""Credentials that lead elsewhere, and a mode that does not fit: both hold the account."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kit.ccxt_desk import LINEAR
from kit.loopback import Loopback
from kit.office import now
from kit.sql import change, number, rows
from kit.until import until_told
from kit.venue_house import VenueHouse
from oms.adapters.ccxt.client import ClientSpec
from oms.adapters.ccxt.faults import NotSent, Rejected
from oms.adapters.ccxt.markets import MarketShelf
from oms.adapters.ccxt.sealed_client import SealedClient
from oms.domain.errors import Unavailable
from oms.domain.value import evolve
from oms.wire.json import loads, time_text

CHANGED = "credentials_changed_owner"


@pytest.fixture
def dsn(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'oms.sqlite3'}"


async def _inbox(house: VenueHouse) -> list[tuple[str, str]]:
    rows = (await house.client.get("/oms/discrepancies?status=open"))["items"]
    return [(row["class"], row["policy"]) for row in rows]


async def _sweep(house: VenueHouse) -> dict[str, Any]:
    answer = await house.client("POST", "/oms/reconcile", {"account_id": house.account_id})
    row: dict[str, Any] = answer.json()["results"][0]
    return row


async def test_nothing_is_sent_with_credentials_of_another_account(
    house: VenueHouse, venue: Loopback, dsn: str
) -> None:
    house.owner = "another"
    await house.furnish()
    refused = await house.send()
    assert (refused["error"]["code"], refused["error"]["reason"]) == ("auth_failed", CHANGED)
    closing = await house.send("cancel_all_orders", symbol=LINEAR)
    assert closing["error"]["reason"] == CHANGED, "not even a way out leads there"
    home = house.office.worker.accounts.homes[house.account_id]
    trouble = home.exchange.trouble()
    assert trouble is not None
    for _ in range(2):
        await house.office.worker.accounts.note_unreadable(house.account_id, trouble)
    told = await until_told(lambda: _inbox(house), bool)
    assert told == [(CHANGED, "quarantine")]
    held = "SELECT COUNT(*) FROM accounts WHERE quarantine = 'credentials_changed_owner'"
    assert number(dsn, held) == 1
    assert [path for path in venue.paths("v5") if "order" in path or "execution" in path] == []

    house.owner = None
    await house.let_worker_begin_anew(live_allowed=False)
    assert (await _sweep(house))["ok"]
    assert (await _inbox(house), number(dsn, held)) == ([], 0)
    assert (await house.send())["ok"]


async def test_the_first_connection_says_whose_the_credentials_are(
    venue: Loopback, tables: Path
) -> None:
    shelf, kept = MarketShelf(), list[str]()
    told = ClientSpec(
        account_id=1,
        venue="bybit",
        engine="ccxt",
        environment="loopback",
        api_key="loop-a",
        secret=venue.told["keys"]["loop-a"],
        extra_config=venue.told["extra_config"]["bybit"],
        cache_folder=tables,
    )

    async def own(owner: str) -> None:
        if owner in kept:
            raise Unavailable("the store is away")
        kept.append(owner)

    async def opened(spec: ClientSpec) -> None:
        async def asked() -> ClientSpec:
            return spec

        client = SealedClient(asked, shelf, own)
        try:
            await client.open()
        finally:
            await client.close()

    await opened(told)
    assert len(kept) == 1
    await opened(evolve(told, owner=kept[0]))
    with pytest.raises(NotSent):
        await opened(told)
    other = evolve(told, api_key="loop-b", secret=venue.told["keys"]["loop-b"], owner=kept[0])
    with pytest.raises(Rejected) as refused:
        await opened(other)
    assert (refused.value.code, refused.value.reason, len(kept)) == ("auth_failed", CHANGED, 1)
    settings = {**told.extra_config, "oms": {"exchange_owner": refused.value.message.split()[5]}}
    await opened(evolve(other, extra_config=settings))
    assert len(kept) == 2


async def test_two_legs_do_not_fit_a_net_position(
    house: VenueHouse, venue: Loopback, dsn: str
) -> None:
    await house.furnish()
    assert (await _sweep(house))["ok"]
    home = house.office.worker.accounts.homes[house.account_id]
    connection: Any = home.exchange._parts.connection  # type: ignore[attr-defined]
    await connection.write("set_position_mode", True, LINEAR)
    venue.ctl("external", symbol=LINEAR, side="buy", qty="0.1", leg="long")
    assert (await _sweep(house))["discrepancies"] == 0
    assert await _inbox(house) == [], "once may be a change on its way"
    change(dsn, "UPDATE discrepancies SET first_seen = '2020-01-01T00:00:00.000000Z'")
    await _sweep(house)
    assert ("position_mode_differs", "quarantine") in await _inbox(house)
    assert (await house.send())["error"]["reason"] == "account_quarantined"

    venue.ctl("external", symbol=LINEAR, side="sell", qty="0.1", leg="long", reduce_only=True)
    await connection.write("set_position_mode", False, LINEAR)
    await _sweep(house)
    assert await _inbox(house) == []
    assert (await house.send())["ok"]


async def test_history_that_is_not_told_is_shown(house: VenueHouse, dsn: str) -> None:
    await house.furnish()
    assert (await _sweep(house))["ok"]
    home = house.office.worker.accounts.homes[house.account_id]
    reader: Any = home.exchange._parts._reader  # type: ignore[attr-defined]
    reader._rules = evolve(reader._rules, back_days=1)
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
    (counts,) = rows(dsn, "SELECT counts_json FROM reconcile_runs WHERE scope = 'period'")
    assert loads(counts[0])["history_unreachable"] == time_text(home.reaches_from)
