"""``oms verify`` checks the decisions of bots with their signals, and lineage names the bot."""

from typing import Any

from kit.databases.sql import execute
from kit.gateway.bots import BotGateway
from oms.cli.verify import build_verify_report
from oms.config import Settings

LONG = "action = 'long'"
#: What is changed, and what is found then.
CHANGES = (
    (f"UPDATE bot_events SET signal_id = 777 WHERE {LONG}", "decision_signal"),
    (f"UPDATE bot_events SET signal_id = NULL WHERE {LONG}", "decision_signal"),
    (f"UPDATE bot_events SET signal_id = NULL WHERE {LONG}", "signal_decision"),
    (f"UPDATE bot_events SET result = 'observed' WHERE {LONG}", "decision_signal"),
    (f"UPDATE bot_events SET symbol = 'ETH/USDT:USDT' WHERE {LONG}", "decision_terms"),
    (f"UPDATE bot_events SET action = 'short' WHERE {LONG}", "decision_terms"),
    (f"UPDATE bot_events SET price = '1' WHERE {LONG}", "decision_terms"),
    (f"UPDATE bot_events SET result = 'failed' WHERE {LONG}", "decision_outcome"),
    (f"UPDATE bot_events SET code = 'x' WHERE {LONG}", "decision_outcome"),
    (f"DELETE FROM bot_events WHERE {LONG}", "signal_decision"),
)


async def _found(bots: BotGateway) -> set[str]:
    report: Any = await build_verify_report(bots.gateway.store, Settings())
    return {each["invariant"] for row in report["accounts"] for each in row["findings"]}


async def test_decisions_are_checked_with_their_signals(bots: BotGateway, dsn: str) -> None:
    await bots.start_runner()
    bots.reach_present()
    await bots.close_candles("100", "100")
    bot = await bots.create()
    await bots.start(bot["id"])
    await bots.close_candles("101")
    await bots.wait_for_results(bot["id"], ["done"])
    await bots.close_candles("90")
    rows = await bots.wait_for_results(bot["id"], ["done", "done"])
    await bots.stop(bot["id"])
    assert await _found(bots) == set()

    order_id = rows[0]["order_ids"][0]
    lineage = await bots.gateway.client.get(f"/oms/orders/{order_id}/lineage")
    (signal,) = lineage["signals"]
    assert (signal["signal_id"], signal["bot_id"]) == (rows[0]["signal_id"], bot["id"])
    assert (signal["kind"], signal["source_id"], signal["action"]) == ("strategy", 0, "buy")

    execute(dsn, "CREATE TABLE kept_events AS SELECT * FROM bot_events")
    try:
        for change, invariant in CHANGES:
            execute(dsn, change)
            assert invariant in await _found(bots), change
            execute(dsn, "DELETE FROM bot_events")
            execute(dsn, "INSERT INTO bot_events SELECT * FROM kept_events")
        assert await _found(bots) == set()
    finally:
        execute(dsn, "DROP TABLE kept_events")
    # A bot that is deleted takes its decisions along; its signals stay.
    assert (await bots.gateway.client("DELETE", f"/bots/{bot['id']}")).status == 200
    assert await _found(bots) == set()
