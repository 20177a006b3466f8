"""How long after a fill ``watch_orders`` tells of it, at a fixed rate of events.

Timed from the order's own ``last_fill_at``, when the paper exchange executed it, so the commit lies
in between; and beside it a bare WebSocket of the same process, timed alike: what is left is the
driver's own. All clocks are this machine's.
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
    """One run: milliseconds from fill to callback, and to a bare WebSocket; what never came."""

    callback_ms: Sequence[float]
    bare_ms: Sequence[float]
    sent: int
    missing: int


@dataclass(slots=True)
class _Told:
    expected: int
    delays: dict[str, float] = field(default_factory=dict)
    is_complete: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, row: Mapping[str, Any]) -> None:
        """Note a FILLED order once, as late as it is now."""
        now = time.time()
        if row.get("status") != "FILLED" or row["client_order_id"] in self.delays:
            return
        filled = datetime.fromisoformat(row["last_fill_at"]).timestamp()
        self.delays[row["client_order_id"]] = (now - filled) * 1_000
        if len(self.delays) >= self.expected:
            self.is_complete.set()


def measure(target: Target, *, events_per_second: int, seconds: float, prefix: str) -> WatchDelays:
    """Market orders on one account at that rate of events, told to one watcher."""
    gc.collect()
    gc.disable()
    try:
        alone = replace(target, accounts=target.accounts[:1])
        return asyncio.run(_measure(alone, events_per_second, seconds, prefix))
    finally:
        gc.enable()


async def _measure(target: Target, rate: int, seconds: float, prefix: str) -> WatchDelays:
    commands = rate / EVENTS_PER_COMMAND
    count = round(commands * seconds)
    callback, bare = _Told(count), _Told(count)
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
                raise BenchError(f"watching ended: {broken}") from None
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


async def _watch(exchange: OmsCcxtAsyncExchange, told: _Told) -> None:
    while True:
        for order in await exchange.watch_orders():
            told.take(order["info"])


async def _listen(connection: Any, told: _Told) -> None:
    async for text in connection:
        if '"order_updated"' in text and '"FILLED"' in text:
            frame = json.loads(text)
            if frame["event"] == "order_updated":
                told.take(frame["payload"])
