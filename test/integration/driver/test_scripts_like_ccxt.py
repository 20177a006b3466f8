"""Public programs for ccxt leave the same orders at the exchange through driver and gateway."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ccxt
import pytest

from interop.scripts.catalog import all_scripts
from interop.scripts.registry import Group, Script
from kit.exchanges.ccxt_scripts import ScriptRuns, run_scripts

SCRIPTS = all_scripts()
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "ccxt-programs.md"


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptRuns]:
    with run_scripts(tmp_path_factory.mktemp("scripts")) as opened:
        yield opened


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_program_trades_as_with_ccxt(scripts: ScriptRuns, script: Script) -> None:
    outcome = scripts.compare(script)
    direct, driver = outcome.direct, outcome.driver
    assert outcome.is_equal is not bool(script.differs), outcome
    assert outcome.is_part, outcome
    assert (direct.error is not None) is script.fails, outcome
    assert bool(direct.orders) is script.places_orders, outcome
    if script.differs.startswith("`NotSupported`"):
        assert isinstance(driver.error, ccxt.NotSupported), outcome
    elif script.differs:
        assert driver.error is None and driver.orders, outcome


async def end_watches(ccxt: Any) -> None:
    exchange, symbol = ccxt.bybit({}), "BTC/USDT:USDT"
    await exchange.load_markets()
    for watch, end, cache in (
        (exchange.watch_ticker, exchange.un_watch_ticker, exchange.tickers),
        (exchange.watch_order_book, exchange.un_watch_order_book, exchange.orderbooks),
    ):
        await watch(symbol)
        awaited = asyncio.ensure_future(watch(symbol))
        await asyncio.sleep(0)
        assert await end(symbol) is True
        with pytest.raises(ccxt.UnsubscribeError):
            await awaited
        assert symbol not in cache
        assert (await watch(symbol))["symbol"] == symbol
    awaited = asyncio.ensure_future(exchange.watch_orders())
    await asyncio.sleep(0)
    await exchange.sleep(5000)
    with pytest.raises(ccxt.NotSupported):
        await exchange.un_watch_orders(symbol)
    assert await exchange.un_watch_orders() is True
    with pytest.raises(ccxt.UnsubscribeError):
        await awaited
    await exchange.close()


def test_watches_end_as_with_ccxt(scripts: ScriptRuns) -> None:
    outcome = scripts.compare(Script(Group.PRO, "oms-gateway", "un_watch", end_watches))
    assert (outcome.direct.error, outcome.driver.error) == (None, None)


def test_nine_of_ten_programs_are_equal() -> None:
    counts = Counter(script.group for script in SCRIPTS)
    assert sum(counts.values()) >= 30 and min(counts.values()) >= 10
    assert set(counts) == set(Group)
    assert sum(not script.differs for script in SCRIPTS) >= 0.9 * len(SCRIPTS)


def test_the_page_counts_them() -> None:
    equal = [script for script in SCRIPTS if not script.differs]
    fails = [script for script in equal if script.fails]
    none = [script for script in equal if not script.places_orders]
    text = PAGE.read_text(encoding="utf-8")
    assert text.split("\n\n")[1].startswith(f"{len(SCRIPTS)} public programs for ccxt")
    assert f": {len(equal)} leave the same orders" in text
    assert f"Of the {len(equal)}, {len(equal) - len(none)} place orders." in text
    assert (len(none), sum(script.fails for script in none), len(fails)) == (5, 1, 4)


def test_the_page_lists_every_program() -> None:
    rows = [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `ccxt")
    ]
    assert rows == [
        (
            f"`{script.group}`",
            f"`{script.repository}`",
            f"`{script.path}`",
            script.result,
        )
        for script in sorted(SCRIPTS, key=lambda each: (each.group, each.repository, each.path))
    ]
