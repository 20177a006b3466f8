"""A gateway whose runners send to a receiver on this machine, on a clock of its own."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from kit.gateway.in_process import ADMIN_KEY, InProcessGateway, now
from kit.notifications.sink_server import SinkServer
from oms.adapters.local_notifier import LocalNotifier
from oms.bootstrap import build_signal_vault
from oms.bootstrap.runner_process import wire_runner
from oms.config import Settings


@dataclass
class ShiftedClock:
    """The time of this machine, moved forward by tests."""

    shift: timedelta = timedelta(0)

    def now(self) -> datetime:
        """The moved time."""
        return now() + self.shift

    def advance(self, **duration: float) -> None:
        """Move the time."""
        self.shift += timedelta(**duration)


@dataclass
class Notified:
    """A gateway with a receiver and runners."""

    gateway: InProcessGateway
    server: SinkServer
    stack: AsyncExitStack
    clock: ShiftedClock = field(default_factory=ShiftedClock)

    async def start_runner(self, name: str = "one") -> asyncio.Event:
        """Run a runner until the returned event is set, or the end of the test."""
        stop = asyncio.Event()
        settings: Settings = self.gateway.api_context.settings
        runner = wire_runner(
            settings,
            self.gateway.store,
            name=name,
            signal_vault=build_signal_vault(settings),
            notifier=LocalNotifier(),
            close=_close_nothing,
            clock=self.clock,
        )
        work = asyncio.create_task(runner.run(stop))

        async def end() -> None:
            stop.set()
            await work

        self.stack.push_async_callback(end)
        return stop

    async def call(self, method: str, path: str, body: object = None, status: int = 200) -> Any:
        """Send a request as admin; returns its answer."""
        answer = await self.gateway.client(method, path, body, key=ADMIN_KEY)
        assert answer.status == status, answer.body
        return answer.json()

    async def add_sink(self, name: str, **fields: object) -> Any:
        """Create a sink at the receiver's path of that name."""
        body = {"name": name, "kind": "webhook", "url": self.server.url(f"/{name}")} | fields
        return await self.call("POST", "/notifications/sinks", body)

    async def sink(self, name: str) -> Any:
        """The row of a sink."""
        rows = (await self.call("GET", "/notifications/sinks"))["items"]
        return next(row for row in rows if row["name"] == name)

    async def deliveries(self, query: str = "") -> Any:
        """The rows of deliveries."""
        return (await self.call("GET", f"/notifications/deliveries{query}"))["items"]


async def _close_nothing() -> None:
    """The gateway closes the store."""
