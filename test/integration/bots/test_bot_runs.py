"""Bots on a gateway with runners: decisions, signals, start and stop, takeover, failures."""

from decimal import Decimal

from kit.databases.sql import execute
from kit.gateway.bots import SYMBOL, BotGateway
from kit.polling import poll_until


async def test_a_bot_trades_what_its_strategy_decides(bots: BotGateway) -> None:
    await bots.start_runner()
    await bots.close_candles("100", "100", "101")
    bots.reach_present()
    bot = await bots.create()
    assert (bot["status"], bot["stale"], bot["desired"]) == ("idle", False, "stopped")
    running = await bots.start(bot["id"])
    assert not running["stale"]
    assert await bots.decisions(bot["id"]) == [], "what closed before the start is not traded"
    await bots.close_candles("100", "102")
    rows = await bots.wait_for_results(bot["id"], ["done"])
    assert (rows[0]["action"], rows[0]["symbol"], rows[0]["price"]) == ("long", SYMBOL, "102")
    assert await bots.positions() == ["1"]
    held = await bots.figures(bot["id"])
    assert (held["open_positions"], held["day_trades"], held["errors_24h"]) == (1, 0, 0)
    assert held["last_signal"] == rows[0]
    assert [*held["open_profit"]] == ["USDT"]
    await bots.close_candles("90")
    rows = await bots.wait_for_results(bot["id"], ["done", "done"])
    assert rows[1]["action"] == "long_exit"
    assert await bots.positions() == []
    closed = await bots.figures(bot["id"])
    assert (closed["open_positions"], closed["open_profit"], closed["day_trades"]) == (0, {}, 1)
    path = f"/analytics/summary?account_ids={bots.gateway.account_id}"
    (summary,) = (await bots.gateway.client.get(path))["items"]
    net = Decimal(summary["realized_today"]) - Decimal(summary["fees_today"])
    assert {name: Decimal(text) for name, text in closed["day_results"].items()} == {"USDT": net}
    assert closed["last_signal"] == rows[1]
    path = f"/portfolio?account_ids={bots.gateway.account_id}"
    wallet = (await bots.gateway.client.get(path))["items"][0]["balances"]
    assert closed["balances"] == [each for each in wallet if each["currency"] == "USDT"]
    stopped = await bots.stop(bot["id"])
    assert (stopped["stale"], stopped["desired"]) == (False, "stopped")


async def test_a_repeated_start_changes_nothing(bots: BotGateway) -> None:
    await bots.start_runner()
    bots.reach_present()
    await bots.close_candles("100", "101")
    bot = await bots.create()
    first = await bots.start(bot["id"])
    second = await bots.start(bot["id"])
    assert (first["started_at"], first["updated_at"]) == (
        second["started_at"],
        second["updated_at"],
    )
    await bots.stop(bot["id"])
    again = await bots.stop(bot["id"])
    assert again["status"] == "stopped"


async def test_a_bot_that_runs_is_not_changed(bots: BotGateway) -> None:
    await bots.start_runner()
    bots.reach_present()
    await bots.close_candles("100")
    bot = await bots.create()
    await bots.start(bot["id"])
    path = f"/bots/{bot['id']}"
    for method, body in (("PATCH", {"max_lag_seconds": 5}), ("DELETE", None)):
        answer = await bots.gateway.client(method, path, body)
        assert answer.status == 409
        assert answer.json()["detail"]["reason"] == "bot_not_stopped"
    await bots.stop(bot["id"])
    changed = (await bots.gateway.client("PATCH", path, {"max_lag_seconds": 5})).json()
    assert changed["max_lag_seconds"] == 5
    assert (await bots.gateway.client("DELETE", path)).status == 200
    assert (await bots.gateway.client("GET", path)).status == 404


async def test_a_restart_runs_the_bot_with_other_parameters(bots: BotGateway) -> None:
    await bots.start_runner()
    bots.reach_present()
    await bots.close_candles("100", "100")
    bot = await bots.create(mode="observe")
    first = await bots.start(bot["id"])
    await bots.close_candles("101")
    await bots.wait_for_results(bot["id"], ["observed"])
    path = f"/bots/{bot['id']}/restart"
    answer = await bots.gateway.client("POST", path, {"params": {"fast": 2, "slow": 3}})
    assert (answer.status, answer.json()["status"]) == (202, "starting")
    again = await bots.wait_for(bot["id"], "running")
    assert again["started_at"] > first["started_at"]
    assert (again["params"], again["mode"]) == ({"fast": 2, "slow": 3}, "observe")
    # The averages of 2 and 3 closes cross here, those of 1 and 2 do not.
    await bots.close_candles("99", "100", "101")
    rows = await bots.wait_for_results(bot["id"], ["observed"] * 2)
    assert (rows[1]["action"], rows[1]["price"]) == ("long", "101")
    refused = await bots.gateway.client("POST", path, {"params": {"fast": 0}})
    assert refused.status == 422
    refused = await bots.gateway.client("POST", path, {"symbols": [SYMBOL]})
    assert refused.status == 422, "what it trades is changed while it is stopped"
    assert (await bots.show(bot["id"]))["started_at"] == again["started_at"]


async def test_two_bots_do_not_trade_one_position(bots: BotGateway) -> None:
    await bots.start_runner()
    bots.reach_present()
    await bots.close_candles("100")
    first = await bots.create()
    await bots.start(first["id"])
    second = await bots.create(name="second")
    refused = await bots.gateway.client("POST", f"/bots/{second['id']}/start")
    assert (refused.status, refused.json()["detail"]["reason"]) == (409, "bot_overlap")
    observer = await bots.create(name="observer", mode="observe")
    await bots.start(observer["id"])


async def test_a_stop_with_flatten_ends_flat(bots: BotGateway) -> None:
    await bots.start_runner()
    bots.reach_present()
    await bots.close_candles("100", "100")
    bot = await bots.create()
    await bots.start(bot["id"])
    await bots.close_candles("101")
    await bots.wait_for_results(bot["id"], ["done"])
    assert await bots.positions() == ["1"]
    days = "start_date=2020-01-01&end_date=2099-01-01"
    for path in ("/oms/orders/history", "/oms/deals"):
        rows = await bots.gateway.client.get(f"{path}?{days}&account_ids={bots.gateway.account_id}")
        assert {row["bot_id"] for row in rows["items"]} == {bot["id"]}, path
    await bots.stop(bot["id"], "flatten")
    assert await bots.positions() == []


async def test_decisions_under_a_kill_switch_are_recorded_as_refused(bots: BotGateway) -> None:
    await bots.start_runner()
    bots.reach_present()
    await bots.close_candles("100", "100")
    bot = await bots.create()
    await bots.start(bot["id"])
    body = {"scope": "account", "scope_id": str(bots.gateway.account_id), "mode": "reduce_only"}
    pulled = await bots.gateway.client("POST", "/risk/kill", body | {"comment": "a test"})
    assert pulled.status == 200, pulled.body
    switches = bots.gateway.worker.processor.execute.kill_switches
    assert switches is not None
    switches.forget()  # A worker reads them once a second.
    await bots.close_candles("101")
    rows = await bots.wait_for_results(bot["id"], ["blocked"])
    assert rows[0]["code"] == "kill_switch"
    assert rows[0]["signal_id"] is not None
    assert await bots.positions() == []
    # The runner stores how a signal ended with its next look at the bot.
    await poll_until(
        lambda: bots.figures(bot["id"]), lambda figures: figures["errors_24h"] == 1, 30
    )


async def test_an_observing_bot_sends_nothing(bots: BotGateway) -> None:
    await bots.start_runner()
    bots.reach_present()
    await bots.close_candles("100", "100")
    bot = await bots.create(mode="observe", allow_short=True)
    await bots.start(bot["id"])
    await bots.close_candles("101")
    await bots.wait_for_results(bot["id"], ["observed"])
    await bots.close_candles("99")
    rows = await bots.wait_for_results(bot["id"], ["observed"] * 3)
    assert [row["action"] for row in rows] == ["long", "long_exit", "short"]
    assert {row["signal_id"] for row in rows} == {None}
    assert await bots.positions() == []


async def test_an_observing_bot_keeps_its_side_when_another_runner_takes_over(
    bots: BotGateway,
) -> None:
    first = await bots.start_runner("one")
    bots.reach_present()
    await bots.close_candles("100", "100")
    bot = await bots.create(mode="observe")
    await bots.start(bot["id"])
    await bots.close_candles("101")
    await bots.wait_for_results(bot["id"], ["observed"])
    await bots.start_runner("two")
    first.set()
    await bots.close_candles("102", "90")
    rows = await bots.wait_for_results(bot["id"], ["observed"] * 2)
    assert [row["action"] for row in rows] == ["long", "long_exit"]


async def test_late_entries_are_skipped_and_late_exits_sent(bots: BotGateway) -> None:
    await bots.start_runner()
    await bots.close_candles("100", "100")
    bot = await bots.create()
    await bots.start(bot["id"])
    await bots.close_candles("101")
    rows = await bots.wait_for_results(bot["id"], ["skipped_late"])
    bots.reach_present()
    await bots.close_candles("101", "102")
    rows = await bots.wait_for_results(bot["id"], ["skipped_late", "done"])
    bots.next_open = bots.next_open.replace(year=bots.next_open.year + 1)
    await bots.close_candles("90")
    rows = await bots.wait_for_results(bot["id"], ["skipped_late", "done", "done"])
    assert rows[2]["action"] == "long_exit"


async def test_one_of_two_runners_runs_a_bot_and_the_other_takes_over(bots: BotGateway) -> None:
    first = await bots.start_runner("one")
    bots.reach_present()
    await bots.close_candles("100", "100")
    bot = await bots.create()
    await bots.start(bot["id"])
    await bots.start_runner("two")
    await bots.close_candles("101")
    await bots.wait_for_results(bot["id"], ["done"])

    async def owner() -> str | None:
        tasks = await bots.gateway.store.task_leases.tasks()
        name = f"bot:{bot['id']}"
        return next((task.owner for task in tasks if task.task == name), None)

    assert await owner() == "one"
    first.set()
    await poll_until(owner, lambda found: found == "two")
    await bots.close_candles("102", "90")
    rows = await bots.wait_for_results(bot["id"], ["done", "done"])
    assert [row["action"] for row in rows] == ["long", "long_exit"]
    assert await owner() == "two"
    assert await bots.positions() == []


async def test_what_no_runner_runs_is_stale(bots: BotGateway, dsn: str) -> None:
    bots.reach_present()
    await bots.close_candles("100")
    bot = await bots.create()
    started = (await bots.gateway.client("POST", f"/bots/{bot['id']}/start")).json()
    assert (started["status"], started["stale"]) == ("starting", False)
    execute(dsn, "UPDATE bots SET desired_at = '2026-01-01 00:00:00'")
    row = await bots.show(bot["id"])
    assert (row["status"], row["stale"]) == ("starting", True)
