"""Bots on a gateway with runners: decisions, signals, start and stop, takeover, failures."""

from kit.gateway.bots import SYMBOL, BotGateway


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
    await bots.close_candles("90")
    rows = await bots.wait_for_results(bot["id"], ["done", "done"])
    assert rows[1]["action"] == "long_exit"
    assert await bots.positions() == []
    stopped = await bots.stop(bot["id"])
    assert (stopped["stale"], stopped["desired"]) == (False, "stopped")
