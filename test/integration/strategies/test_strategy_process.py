"""Strategies in processes of their own: what they decide, and how they end."""

import asyncio
import os
import signal
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from kit.gateway.in_process import open_gateway, start_trading
from kit.machine_load import stretch
from kit.polling import poll_until, wait_until
from oms.adapters.strategy_code.frames import encode_frame
from oms.adapters.strategy_code.strategy_process import (
    ChildProcess,
    ChildProcesses,
    ProcessOptions,
)
from oms.domain.errors import Invalid, NotFound
from oms.domain.market.candle import Candle
from oms.domain.market.timeframe import Timeframe
from oms.ports.research.strategy_process import StrategyFailed, StrategyStart
from oms.strategies.catalog import CATALOG, find_strategy
from oms.strategies.strategy import Action, Bars, Decision, PositionSide
from oms.wire.strategies.messages import encode_bars

DECISION_SECONDS = 1.0
ORDER_SECONDS_P99 = 0.3
#: Of a stream of asyncio: it buffers at most twice as much.
STREAM_BYTES = 64 * 1024
AT = datetime(2024, 1, 1, tzinfo=UTC)
RULES = '''
"""Rules that decide one thing each."""

import os
import time
from decimal import Decimal

from oms.domain.errors import Invalid
from oms.strategies.catalog import Parameter, StrategyDefinition
from oms.strategies.strategy import Action, Decision


class Rule:
    def __init__(self, decide):
        self._decide = decide

    def warmup(self):
        return {}

    def on_bar(self, bars, side):
        return self._decide(bars, side)


def prints(bars, side):
    print("a line that is no message", flush=True)
    return [Decision(action=Action.SHORT, stop_loss=bars.base.close * 2)]


def loops(bars, side):
    while True:
        time.sleep(0.01)


def loops_in_c(bars, side):
    return sum(range(10**14))


def allocates(bars, side):
    return bytearray(8 * 2**30)


def raises(bars, side):
    return 1 / 0


def starts_a_program(bars, side):
    child = os.fork()
    if not child:
        time.sleep(60)
        os._exit(0)
    return [Decision(action=Action.LONG, stop_loss=Decimal(child))]


def exits(bars, side):
    os._exit(3)


def leaves(bars, side):
    raise SystemExit("done")


def returns_text(bars, side):
    return ["long"]


def sets_a_float(bars, side):
    return [Decision(action=Action.LONG, stop_loss=1.5)]


def returns_none(bars, side):
    return None


def shows_environment(bars, side):
    raise ValueError(" ".join(sorted(os.environ)) + " in " + os.getcwd())


def build(name):
    return lambda timeframe, parameters: Rule(globals()[name])


def refuse(timeframe, parameters):
    raise Invalid("parameter fast must be less than slow")


NAMES = [
    "prints", "starts_a_program", "loops", "loops_in_c", "allocates", "raises", "exits", "leaves",
    "returns_text", "sets_a_float", "returns_none", "shows_environment",
]
STRATEGIES = [
    StrategyDefinition(
        name=name, version="1", summary="", base=None, higher=(), parameters=(), build=build(name)
    )
    for name in NAMES
]
STRATEGIES.append(
    StrategyDefinition(
        name="refuses", version="1", summary="", base=None, higher=(),
        parameters=(Parameter(name="fast", default=1, minimum=1, maximum=9),), build=refuse,
    )
)
'''


def _bars(count: int, close: str = "100") -> list[Bars]:
    price = Decimal(close)
    candles = [
        Candle(
            open_time=AT + number * timedelta(hours=1),
            open=price,
            high=price,
            low=price,
            close=price + number,
            volume=None,
        )
        for number in range(count)
    ]
    return [Bars(base=candle, closed={}) for candle in candles]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("strategies")
    (path / "rules.py").write_text(RULES, encoding="utf-8")
    return path


@pytest.fixture
async def process(folder: Path) -> AsyncIterator[ChildProcess]:
    options = ProcessOptions(path=folder, decision_seconds=DECISION_SECONDS, memory_mb=1024)
    opened = await ChildProcesses(options).open()
    yield opened
    await opened.close()


def _request(name: str, **parameters: str) -> StrategyStart:
    return StrategyStart(name=name, timeframe=Timeframe.HOUR, parameters=parameters)


async def test_decisions_equal_those_in_this_process(process: ChildProcess) -> None:
    started = await process.start(_request("sma_cross", fast="2", slow="4"))
    definition = find_strategy("sma_cross")
    strategy = definition.make(Timeframe.HOUR, definition.parse({"fast": 2, "slow": 4}))
    bars = [*_bars(30), *_bars(30, "50"), *_bars(30, "70")]

    decided = await process.on_bars(bars, PositionSide.LONG)

    expected = [list(strategy.on_bar(each, PositionSide.LONG)) for each in bars]
    assert decided == expected
    assert any(expected)
    assert (started.name, started.version, started.higher) == ("sma_cross", "1", [])
    assert started.parameters == {"fast": 2, "slow": 4}
    assert started.warmup == {Timeframe.HOUR: 5}
    assert len(started.code_hash) == 64


async def test_larger_candles_reach_the_strategy(process: ChildProcess) -> None:
    started = await process.start(
        StrategyStart(
            name="hma_sma", timeframe=Timeframe.MINUTES_5, parameters={"variant": 1, "length": 2}
        )
    )
    assert started.higher == [Timeframe.HOUR, Timeframe.HOURS_4]
    hours = _bars(10, "100")
    bars = [
        Bars(base=each.base, closed={Timeframe.HOUR: each.base, Timeframe.HOURS_4: each.base})
        for each in hours
    ]
    decided = await process.on_bars(bars, PositionSide.FLAT)
    # On a ramp the Hull average of length 2 equals the close, which is not above it.
    assert decided == [[] for _ in bars]


async def test_the_catalog_has_built_in_and_own_strategies(process: ChildProcess) -> None:
    catalog = await process.load_catalog()
    built_in = [each.name for each in catalog.strategies if each.is_built_in]
    own = [each for each in catalog.strategies if not each.is_built_in]
    assert built_in == [each.name for each in CATALOG]
    assert {each.source for each in own} == {"rules.py"}
    assert "raises" in [each.name for each in own]
    # A strategy that cannot be built with its defaults is named as such.
    assert [(each.source, each.message) for each in catalog.errors] == [
        ("rules.py", "rules.py: strategy refuses: Invalid: parameter fast must be less than slow")
    ]


async def test_what_a_strategy_prints_is_no_message(process: ChildProcess) -> None:
    await process.start(_request("prints"))
    (decided,) = await process.on_bars(_bars(1), PositionSide.FLAT)
    assert decided == [Decision(action=Action.SHORT, stop_loss=Decimal(200))]


@pytest.mark.parametrize(
    ("name", "reason", "message", "line"),
    [
        ("loops", "strategy_timeout", "a decision took longer than 1 s", "in loops"),
        ("loops_in_c", "strategy_timeout", "could not be interrupted", "in loops_in_c"),
        ("allocates", "strategy_memory", "more memory than it may use", "bytearray(8 * 2**30)"),
        ("raises", "strategy_error", "ZeroDivisionError: division by zero", "return 1 / 0"),
        ("exits", "strategy_ended", "its process ended with status 3", ""),
        ("leaves", "strategy_error", "SystemExit: done", "in leaves"),
        ("returns_text", "strategy_error", "'long' is no Decision", ""),
        ("sets_a_float", "strategy_error", "stop_loss 1.5 of a decision is no Decimal", ""),
        ("returns_none", "strategy_error", "TypeError: 'NoneType'", ""),
    ],
)
async def test_a_strategy_that_fails_ends_alone_with_its_reason(
    process: ChildProcess, name: str, reason: str, message: str, line: str
) -> None:
    await process.start(_request(name))
    with pytest.raises(StrategyFailed) as failed:
        await process.on_bars(_bars(1), PositionSide.FLAT)
    assert failed.value.reason == reason
    assert message in failed.value.message
    assert line in failed.value.traceback
    with pytest.raises(StrategyFailed):
        await process.start(_request("prints"))


async def test_a_strategy_that_never_returns_delays_no_order(folder: Path, tmp_path: Path) -> None:
    options = ProcessOptions(path=folder, decision_seconds=3 * DECISION_SECONDS, memory_mb=1024)
    process = await ChildProcesses(options).open()
    try:
        await process.start(_request("loops_in_c"))
        async with open_gateway(f"sqlite+aiosqlite:///{tmp_path}/oms.sqlite3") as gateway:
            await start_trading(gateway)
            deciding = asyncio.create_task(process.on_bars(_bars(1), PositionSide.FLAT))
            seconds = []
            while not deciding.done() and len(seconds) < 100:
                began = time.monotonic()
                assert (await gateway.order("?wait_ms=5000")).status == 200
                seconds.append(time.monotonic() - began)
            assert len(seconds) > 20
            assert statistics.quantiles(seconds, n=100)[-1] < stretch(ORDER_SECONDS_P99)
            with pytest.raises(StrategyFailed):
                await deciding
    finally:
        await process.close()


async def test_no_setting_and_no_secret_reaches_a_strategy(
    process: ChildProcess, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMS_DATABASE_URL", "mysql+asyncmy://user:password@host/name")
    monkeypatch.setenv("OMS_MASTER_KEY", "secret")
    opened = await ChildProcesses(ProcessOptions(path=folder)).open()
    try:
        await opened.start(_request("shows_environment"))
        with pytest.raises(StrategyFailed) as failed:
            await opened.on_bars(_bars(1), PositionSide.FLAT)
    finally:
        await opened.close()
    assert "OMS_" not in failed.value.message
    assert "PATH" in failed.value.message
    assert failed.value.message.endswith(" in /")


async def test_requests_that_are_refused_leave_the_process_running(process: ChildProcess) -> None:
    with pytest.raises(NotFound, match="no strategy 'none'; there are hma_sma") as unknown:
        await process.start(_request("none"))
    assert unknown.value.reason == "unknown_strategy"
    with pytest.raises(Invalid, match="strategy rsi has no parameter 'length'"):
        await process.start(_request("rsi", length="3"))
    with pytest.raises(Invalid, match="fast must be less than slow"):
        await process.start(_request("refuses"))
    with pytest.raises(Invalid, match="no strategy is started"):
        await process.on_bars(_bars(1), PositionSide.FLAT)
    await process.start(_request("rsi"))


async def test_an_ended_process_is_reaped(folder: Path) -> None:
    opened = await ChildProcesses(ProcessOptions(path=folder)).open()
    await opened.load_catalog()
    pid = opened.process_id
    await opened.close()
    await opened.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_close_that_is_cancelled_waits_for_the_end(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = await ChildProcesses(ProcessOptions(path=folder)).open()
    await opened.load_catalog()
    monkeypatch.setattr(opened, "_kill", lambda: None)
    closing = asyncio.create_task(opened.close())
    for _ in range(2):
        await asyncio.wait({closing}, timeout=0.05)
        closing.cancel()
    await asyncio.wait({closing}, timeout=0.05)
    assert not closing.done()
    os.kill(opened.process_id, signal.SIGKILL)
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert opened._process.returncode == -signal.SIGKILL


async def test_what_a_strategy_has_started_ends_with_it(process: ChildProcess) -> None:
    await process.start(_request("starts_a_program"))
    ((decision,),) = await process.on_bars(_bars(1), PositionSide.FLAT)
    assert decision.stop_loss is not None
    await process.close()
    wait_until(partial(_has_ended, int(decision.stop_loss)), 10, "the program has ended")


async def test_an_unread_answer_does_not_keep_the_process(folder: Path) -> None:
    opened = await ChildProcesses(ProcessOptions(path=folder)).open()
    pid = opened.process_id
    await opened.start(_request("prints"))
    # As the task that waits for the answer is canceled: more of it is left than asyncio buffers.
    written = opened._process.stdin
    assert written is not None
    row = {"operation": "on_bars", "side": "flat", "bars": [encode_bars(b) for b in _bars(9000)]}
    written.write(encode_frame(row))
    await poll_until(_unread(opened), lambda size: size > 2 * STREAM_BYTES, 60)
    await asyncio.wait_for(opened.close(), 30)
    assert _has_ended(pid)


def _unread(process: ChildProcess) -> Callable[[], Awaitable[int]]:
    async def size() -> int:
        stdout = process._process.stdout
        assert stdout is not None
        return len(stdout._buffer)  # type: ignore[attr-defined]

    return size


def _has_ended(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"
