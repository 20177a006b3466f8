"""Bots whose strategies are code of users: what fails ends alone, what looks ahead never runs."""

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.backtests.own_strategies import write_strategies
from kit.databases.created import created_database
from kit.databases.emptied import empty_database
from kit.databases.sql import execute
from kit.gateway.bots import SYMBOL, BotGateway, open_bots, shorten_rounds
from kit.gateway.in_process import open_gateway
from kit.polling import poll_until
from oms.adapters.clock import SYSTEM_CLOCK
from oms.adapters.strategy_code.strategy_files import describe_strategies
from oms.config import Settings

AHEAD = '''
class Ahead:
    """Buys before the price rises."""

    def generate_signals(self, data):
        return (data["close"].shift(-1) > data["close"]).astype(int) * 2 - 1
'''
REASONS = {
    "loops": "strategy_timeout: a decision took longer than 5 s",
    "allocates": "strategy_memory: it needs more memory than it may use",
    "raises": "strategy_error: ZeroDivisionError: division by zero",
}
ETH = "ETH/USDT:USDT"
ORDERS = 30


@pytest.fixture(params=["sqlite"], scope="module")
def dsn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One kind of database: nothing here depends on it."""
    yield from created_database(request, tmp_path_factory.mktemp("own_bots"))


@pytest.fixture
async def bots(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[BotGateway]:
    """A gateway that has loaded the strategies of a folder."""
    shorten_rounds(monkeypatch)
    empty_database(dsn)
    folder = write_strategies(tmp_path / "strategies")
    (folder / "ahead.py").write_text(AHEAD, encoding="utf-8")
    settings = Settings.model_validate(
        {
            "access_cache_seconds": 0,
            "strategies": folder,
        }
    )
    async with open_gateway(dsn, settings) as gateway, open_bots(gateway) as opened:
        catalog = describe_strategies(folder)
        await gateway.store.strategy_catalog.replace(catalog, SYSTEM_CLOCK.now())
        yield opened


async def _order_seconds(bots: BotGateway) -> list[float]:
    """Return how long orders took, ascending."""
    taken = []
    for _ in range(ORDERS):
        began = time.perf_counter()
        answer = await bots.gateway.order("?wait_ms=5000", symbol=ETH, qty="0.1")
        taken.append(time.perf_counter() - began)
        assert answer.status == 200, answer.body
    return sorted(taken)


async def test_strategies_that_fail_end_alone_with_their_reason(
    bots: BotGateway, record_property: Any
) -> None:
    await bots.start_runner()
    bots.reach_present()
    await bots.gateway.set_price(ETH, "3000")
    await bots.close_candles("100", "100")
    healthy = await bots.create()
    await bots.start(healthy["id"])
    failing = {}
    for name in REASONS:
        bot = await bots.create(name=name, strategy=name, params={}, mode="observe")
        failing[name] = bot["id"]
        assert (await bots.gateway.client("POST", f"/bots/{bot['id']}/start")).status == 202
    for bot_id in failing.values():
        await bots.wait_for(bot_id, "running")
    before = await _order_seconds(bots)
    await bots.close_candles("105")
    during = await _order_seconds(bots)
    for name, reason in REASONS.items():
        row = await bots.wait_for(failing[name], "error")
        assert row["reason"].startswith(reason), row
        assert "failing.py" in row["reason"] and row["failures"] >= 1
        events = await bots.gateway.client.get(f"/bots/{failing[name]}/events?kind=failure")
        assert events["items"][0]["message"].startswith(reason)
    rows = await bots.wait_for_results(healthy["id"], ["done"])
    assert rows[0]["action"] == "long"
    shown = await bots.show(healthy["id"])
    assert (shown["status"], shown["stale"], shown["failures"]) == ("running", False, 0)
    record_property("order_p50_ratio", during[ORDERS // 2] / before[ORDERS // 2])
    record_property("order_max_ratio", during[-1] / before[-1])
    # Half of the orders were faster than this, beside three processes that end.
    assert during[ORDERS // 2] < 5 * before[ORDERS // 2] + 0.05


async def test_an_own_strategy_that_looks_ahead_does_not_run_on_a_live_account(
    bots: BotGateway, dsn: str
) -> None:
    execute(dsn, f"UPDATE accounts SET environment = 'live' WHERE id = {bots.gateway.account_id}")
    await bots.start_runner()
    bots.reach_present()
    await bots.close_candles(*("100" if n % 2 else "101" for n in range(40)))
    bot = await bots.create(strategy="ahead", params={})
    answer = await bots.gateway.client("POST", f"/bots/{bot['id']}/start")
    assert answer.status == 202
    row = await bots.wait_for(bot["id"], "error")
    assert row["reason"].startswith("lookahead_detected: the decision at the candle of")
    assert await bots.decisions(bot["id"]) == []


async def test_an_own_strategy_is_checked_once_before_it_runs(bots: BotGateway) -> None:
    await bots.start_runner()
    bots.reach_present()
    closes = [*range(80, 92), 70, 71, 72, 73, 74, 75, 60]
    await bots.close_candles(*(str(close) for close in closes))
    bot = await bots.create(strategy="breakout", params={"length": 4})
    await bots.start(bot["id"])
    versions = await bots.gateway.store.strategy_versions.known()
    (checked,) = [each.checked_at for each in versions if each.name == "breakout"]
    assert checked is not None
    await bots.close_candles("101")
    rows = await bots.wait_for_results(bot["id"], ["done"])
    assert (rows[0]["action"], rows[0]["symbol"]) == ("long", SYMBOL)


async def test_changed_code_does_not_run_under_its_old_version(
    bots: BotGateway, tmp_path: Path
) -> None:
    await bots.start_runner()
    bots.reach_present()
    await bots.close_candles("100", "100")
    bot = await bots.create(strategy="breakout", params={"length": 4})
    await bots.start(bot["id"])
    await bots.stop(bot["id"])
    file = tmp_path / "strategies" / "breakout.py"
    file.write_text(file.read_text().replace("close > max", "close >= max"), encoding="utf-8")
    await bots.gateway.client("POST", f"/bots/{bot['id']}/start")

    async def read() -> dict[str, Any]:
        return await bots.show(bot["id"])

    row = await poll_until(read, lambda row: row["status"] == "error")
    assert row["reason"].startswith("code_changed: the code of strategy breakout has changed")
