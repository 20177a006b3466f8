"""The delay from a fill to the result of ``watch_orders``, at a fixed rate of events.

Measured from the order's ``last_fill_at``, when the paper exchange executed it, so it includes the
commit. A plain WebSocket of the same process is measured for comparison: the difference is the
driver's. All clocks are of this machine.
"""

import asyncio
import contextlib
import gc
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bench.fan_out import EVENTS_PER_COMMAND, send_at_rate
from bench.latency import subscribed
from bench.load import Target
from bench.processes import BenchError
from ccxt_driver import OmsCcxtAsyncExchange

LAST_EVENT_SECONDS = 10.0
FIRST_ANSWER_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchDelays:
    """One run: milliseconds from fill to callback and to a plain WebSocket; missing events."""

    callback_ms: Sequence[float]
    bare_ms: Sequence[float]
    sent: int
    missing: int


@dataclass(slots=True)
class _FillDelays:
    expected: int
    delays: dict[str, float] = field(default_factory=dict)
    is_complete: asyncio.Event = field(default_factory=asyncio.Event)

    def record(self, row: Mapping[str, Any]) -> None:
        """Records the delay of a FILLED order, once per order."""
        now = time.time()
        if row.get("status") != "FILLED" or row["client_order_id"] in self.delays:
            return
        filled = datetime.fromisoformat(row["last_fill_at"]).timestamp()
        self.delays[row["client_order_id"]] = (now - filled) * 1_000
        if len(self.delays) >= self.expected:
            self.is_complete.set()


def measure(target: Target, *, events_per_second: int, seconds: float, prefix: str) -> WatchDelays:
    """Sends market orders on one account at that rate of events, with one watch."""
    gc.collect()
    gc.disable()
    try:
        one_account = replace(target, accounts=target.accounts[:1])
        return asyncio.run(_measure(one_account, events_per_second, seconds, prefix))
    finally:
        gc.enable()


async def _measure(target: Target, rate: int, seconds: float, prefix: str) -> WatchDelays:
    commands = rate / EVENTS_PER_COMMAND
    count = round(commands * seconds)
    callback, bare = _FillDelays(count), _FillDelays(count)
    exchange = OmsCcxtAsyncExchange(
        api_key=target.api_key, account_id=target.accounts[0], base_url=target.base_url
    )
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(exchange.close)
        listener = await stack.enter_async_context(subscribed(target))
        await exchange.watch_orders(params={"watch_timeout_seconds": FIRST_ANSWER_SECONDS})
        tasks = [
            asyncio.create_task(_watch(exchange, callback), name="watcher"),
            asyncio.create_task(_listen(listener, bare), name="listener"),
        ]
        try:
            await send_at_rate(target, commands, seconds, prefix)
            async with asyncio.timeout(LAST_EVENT_SECONDS):
                await callback.is_complete.wait()
                await bare.is_complete.wait()
        except TimeoutError:
            broken = [task.exception() for task in tasks if task.done()]
            if any(broken):
                raise BenchError(f"watching failed: {broken}") from None
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    return WatchDelays(
        callback_ms=list(callback.delays.values()),
        bare_ms=list(bare.delays.values()),
        sent=count,
        missing=count - len(callback.delays),
    )


async def _watch(exchange: OmsCcxtAsyncExchange, delays: _FillDelays) -> None:
    while True:
        for order in await exchange.watch_orders():
            delays.record(order["info"])


async def _listen(connection: Any, delays: _FillDelays) -> None:
    async for text in connection:
        if '"order_updated"' in text and '"FILLED"' in text:
            frame = json.loads(text)
            if frame["event"] == "order_updated":
                delays.record(frame["payload"])
