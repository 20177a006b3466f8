"""Who sees and starts bots: confirmation, events per key; and bots that no runner holds."""

from collections.abc import Iterator
from typing import Any

import pytest

from kit.databases.created import created_database
from kit.databases.sql import execute, fetch_rows
from kit.gateway.admin_client import AdminClient
from kit.gateway.bots import BotGateway
from kit.gateway.in_process import TRADER
from kit.http.browser import Browser
from kit.http.http_server import serve_http
from kit.http.websocket_client import connect_client
from kit.polling import poll_until
from oms.domain.value import evolve

OTHER_KEY = "oms_a-trader-of-another-account"
OWN_KEY = "oms_a-trader-of-this-strategy"
NARROW_KEY = "oms_a-trader-of-another-strategy"
KEY = "oms_a-trader-for-tests-only"


@pytest.fixture(params=["sqlite"], scope="module")
def dsn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One kind of database: nothing here depends on it."""
    yield from created_database(request, tmp_path_factory.mktemp("bot_access"))


async def test_a_start_on_a_live_account_is_confirmed_again(bots: BotGateway, dsn: str) -> None:
    gateway, api = bots.gateway, AdminClient(bots.gateway, dsn)
    permissions = [{"account_id": gateway.account_id, "can_trade": True, "can_read": True}]
    await api.user("ann", role="trader", permissions=permissions)
    await bots.close_candles("100")
    bot = await bots.create()
    browser = Browser(gateway.client)
    await browser.login()
    start, stop = f"/bots/{bot['id']}/start", f"/bots/{bot['id']}/stop"
    assert (await browser("POST", start)).status == 202, "a paper account needs none"
    assert (await browser("POST", stop)).status == 202
    execute(dsn, f"UPDATE accounts SET environment = 'live' WHERE id = {gateway.account_id}")
    refused = await browser("POST", start)
    assert (refused.status, refused.detail["code"]) == (403, "confirmation_required")
    restart = await browser("POST", f"/bots/{bot['id']}/restart")
    assert (restart.status, restart.detail["code"]) == (403, "confirmation_required")
    assert (await bots.show(bot["id"]))["desired"] == "stopped"
    await browser.confirm()
    started = await browser("POST", start)
    assert started.status == 202, started.body
    assert started.json()["desired"] == "running"
    assert (await browser("POST", stop)).status == 202, "a stop needs no confirmation"


async def test_events_of_bots_reach_only_keys_that_may_read_them(bots: BotGateway) -> None:
    gateway = bots.gateway
    other_id = await gateway.add_account()
    await gateway.add_key("elsewhere", OTHER_KEY, grants={other_id: TRADER})
    narrow = evolve(TRADER, restrict_to_strategies=True, strategy_ids=frozenset({987_654}))
    await gateway.add_key("narrow", NARROW_KEY, grants={gateway.account_id: narrow})
    await bots.start_runner()
    bots.reach_present()
    await bots.close_candles("100", "100")
    bot = await bots.create()
    payload = {"account_ids": [gateway.account_id], "with_snapshot": False, "namespaces": ["bot"]}
    own = payload | {"account_ids": [other_id]}
    async with (
        serve_http(gateway.app) as server,
        connect_client(server.websocket_url, KEY) as allowed,
        connect_client(server.websocket_url, OTHER_KEY) as elsewhere,
        connect_client(server.websocket_url, NARROW_KEY) as restricted,
    ):
        for client, asked in ((allowed, payload), (elsewhere, own), (restricted, payload)):
            await client.send("subscribe", asked)
            await client.receive_event("subscribed")
        await bots.start(bot["id"])
        status = await allowed.receive_event("bot_status")
        assert status["payload"]["bot_id"] == bot["id"]
        assert status["payload"]["status"] == "running"
        await bots.close_candles("101")
        decision = (await allowed.receive_event("bot_decision"))["payload"]
        assert (decision["action"], decision["result"]) == ("long", "sent")
        for client in (elsewhere, restricted):
            await client.request("ping")
            assert not [frame for frame in client.frames if frame["event"].startswith("bot_")]
    for key in (OTHER_KEY, NARROW_KEY):
        for path in ("/bots", "/bots/figures"):
            assert (await gateway.client.get(path, key=key))["items"] == []
        assert (await gateway.client("GET", f"/bots/{bot['id']}", key=key)).status == 404


async def test_a_stop_without_a_runner_is_complete(bots: BotGateway) -> None:
    await bots.close_candles("100")
    bot = await bots.create()
    path = f"/bots/{bot['id']}"
    started = await bots.gateway.client("POST", f"{path}/start")
    assert started.json()["status"] == "starting"
    stopped = (await bots.gateway.client("POST", f"{path}/stop")).json()
    assert (stopped["status"], stopped["stale"], stopped["desired"]) == (
        "stopped",
        False,
        "stopped",
    )
    changed = await bots.gateway.client("PATCH", path, {"max_lag_seconds": 7})
    assert (changed.status, changed.json()["max_lag_seconds"]) == (200, 7)
    # A runner that comes later finds nothing to run, and reports the stop.
    await bots.start_runner()

    async def read() -> dict[str, Any]:
        return await bots.show(bot["id"])

    reported = await poll_until(read, lambda row: row["stopped_at"] is not None, 30)
    assert (reported["status"], reported["max_lag_seconds"]) == ("stopped", 7)
    assert (await bots.gateway.client("DELETE", path)).status == 200


async def test_a_restart_is_repeated_only_after_a_report(bots: BotGateway, dsn: str) -> None:
    await bots.close_candles("100")
    bot = await bots.create()
    path = f"/bots/{bot['id']}/restart"
    number = f"SELECT desired_number FROM bots WHERE id = {bot['id']}"
    for body, count in ((None, 1), (None, 1), ({"max_lag_seconds": 7}, 2), ({}, 2)):
        answer = await bots.gateway.client("POST", path, body)
        assert (answer.status, answer.json()["status"]) == (202, "starting"), answer.body
        assert fetch_rows(dsn, number)[0][0] == count
    assert (await bots.show(bot["id"]))["max_lag_seconds"] == 7
    audited = fetch_rows(dsn, "SELECT action FROM audit_log WHERE entity = 'bot' ORDER BY id")
    assert [row[0] for row in audited][-2:] == ["bot_restart", "bot_restart"]


async def test_figures_of_a_restricted_key_have_no_balances(bots: BotGateway) -> None:
    gateway = bots.gateway
    own = evolve(TRADER, restrict_to_strategies=True, strategy_ids=frozenset({bots.strategy_id}))
    await gateway.add_key("own", OWN_KEY, grants={gateway.account_id: own})
    await bots.close_candles("100")
    bot = await bots.create()
    assert (await bots.figures(bot["id"]))["balances"] is not None
    (row,) = (await gateway.client.get("/bots/figures", key=OWN_KEY))["items"]
    assert (row["bot_id"], row["balances"]) == (bot["id"], None)


async def test_positions_are_closed_by_a_runner_or_left_open_by_the_caller(
    bots: BotGateway, dsn: str
) -> None:
    await bots.close_candles("100")
    bot = await bots.create()
    path = f"/bots/{bot['id']}"
    await bots.gateway.client("POST", f"{path}/start")
    flatten = await bots.gateway.client("POST", f"{path}/stop", {"positions": "flatten"})
    assert flatten.json()["status"] == "stopping"
    execute(dsn, "UPDATE bots SET desired_at = '2026-01-01 00:00:00'")
    row = await bots.show(bot["id"])
    assert (row["status"], row["stale"]) == ("stopping", True)
    assert (await bots.gateway.client("DELETE", path)).status == 409
    kept = (await bots.gateway.client("POST", f"{path}/stop", {"positions": "keep"})).json()
    assert (kept["status"], kept["stale"]) == ("stopped", False)


async def test_a_lease_that_expired_holds_no_stop_up(bots: BotGateway, dsn: str) -> None:
    runner = await bots.start_runner()
    bots.reach_present()
    await bots.close_candles("100")
    bot = await bots.create()
    await bots.start(bot["id"])
    runner.set()

    async def is_free() -> bool:
        rows = fetch_rows(dsn, f"SELECT owner FROM task_leases WHERE task = 'bot:{bot['id']}'")
        return [row[0] for row in rows] == [""]

    await poll_until(is_free, bool)
    # As of a runner that was killed: its lease is valid for a while, and then expires.
    held = "UPDATE task_leases SET owner = 'gone', expires_at = '{}' WHERE task LIKE 'bot:%'"
    execute(dsn, held.format("2099-01-01 00:00:00"))
    stopping = await bots.gateway.client("POST", f"/bots/{bot['id']}/stop")
    assert stopping.json()["status"] == "stopping"
    execute(dsn, held.format("2026-01-01 00:00:00"))
    assert (await bots.show(bot["id"]))["status"] == "stopped"
