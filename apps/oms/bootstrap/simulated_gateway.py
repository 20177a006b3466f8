"""A whole gateway in this process, on a clock that its caller sets.

It makes a past: the caller sends requests at the times it chooses, and everything is booked by the
same API, worker and store as in production, with these times. Paper accounts only. Nothing happens
between two calls, so the same calls lead to the same ledger.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.clock import SettableClock
from oms.adapters.local_notifier import LocalNotifier
from oms.adapters.sql.store import SqlStore
from oms.adapters.trading_calendar import LibraryCalendar
from oms.api.app import Application
from oms.bootstrap import build_administer, build_signal_vault
from oms.bootstrap.api_process import wire_api
from oms.bootstrap.exchange_factory import restore_paper_exchange
from oms.bootstrap.worker_process import wire_worker
from oms.config import Settings
from oms.domain.errors import OmsError
from oms.ports.exchange import ExchangePorts
from oms.ports.ledger_store import LoadedAccount
from oms.services.access.administer import Administer
from oms.worker.main import Worker

Connect = Callable[[LoadedAccount, Callable[[], None]], ExchangePorts]

LEASE_SECONDS = 30
"""Leases and heartbeats count by the database's clock, and are renewed by it."""
RENEW_SECONDS = 2


class RequestRefused(OmsError):
    """The response of a simulated request was an error, or one of its commands was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedGateway:
    """Requests and the passing of time."""

    clock: SettableClock
    administer: Administer
    store: SqlStore
    _app: Application
    _worker: Worker
    _lease_lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def request(self, method: str, target: str, body: object = None, *, key: str) -> Any:
        """Return the JSON of the response; commands are executed at the current time.

        Raises ``RequestRefused`` with the response for a status of 400 or more.
        """
        response = asyncio.create_task(_request(self._app, method, target, body, key))
        while await self._worker.listener.wait_before(response):
            await self.execute_commands()
        status, answer = await response
        if status >= 400:
            raise RequestRefused(f"{method} {target}: {status} {answer}"[:1000])
        return answer

    async def take_leases(self) -> None:
        """Renew the leases, and take those of accounts created since the last call."""
        async with self._lease_lock:
            await self._worker.leases.heartbeat(self._worker.name, "", "{}")
            await self._worker.keeper.round(1)

    async def keep_leases(self) -> None:
        """Renew the leases until cancelled."""
        while True:
            await self.take_leases()
            await asyncio.sleep(RENEW_SECONDS)

    async def poll_market(self) -> bool:
        """Look at the market: what is filled or triggered at the current time happens.

        Returns whether anything did.
        """
        changed = await self._worker.processor.poll_market()
        return bool(await self.execute_commands() or changed)

    async def take_snapshots(self) -> None:
        """Take the snapshots of equity that are due at the current time."""
        if self._worker.equity_scheduler is not None:
            await self._worker.equity_scheduler()

    async def load_account(self, account_id: int) -> None:
        """Load an account before its first command."""
        await self._worker.processor.load_account(account_id)

    async def execute_commands(self) -> int:
        """Execute queued commands, and those that follow from them; returns how many."""
        count = 0
        processor = self._worker.processor
        await processor.await_all_commits()
        while rows := await processor.fetch_queued():
            count += await processor.run(rows)
            await processor.await_all_commits()
        return count


@asynccontextmanager
async def open_simulated_gateway(
    settings: Settings, start: datetime, connect: Connect | None = None
) -> AsyncIterator[SimulatedGateway]:
    """Open a gateway on a database with the current schema; the time is ``start``.

    ``connect`` makes the exchanges of accounts; paper exchanges by default.
    """
    clock = SettableClock(start)
    # A change must be in force at the next command, and no time passes between the two.
    settings = settings.model_copy(
        update={"lease_seconds": LEASE_SECONDS, "access_cache_seconds": 0}
    )
    store = await SqlStore.open(settings.dsn, check_account, clock)
    notifier, calendar = LocalNotifier(), LibraryCalendar()
    administer = build_administer(settings, store)
    app = wire_api(
        settings,
        store,
        notifier=notifier,
        administer=administer,
        signal_vault=build_signal_vault(settings),
        clock=clock,
    )
    worker = wire_worker(
        settings,
        store,
        name="simulated",
        notifier=notifier,
        connect=connect
        or (
            lambda loaded, _: restore_paper_exchange(
                loaded, settings.price_tapes_dir, calendar=calendar
            )
        ),
        close=_close_nothing,
        clock=clock,
        calendar=calendar,
        monotonic=clock.elapsed_seconds,
    )
    if worker.equity_scheduler is not None:
        worker.equity_scheduler.monotonic = clock.elapsed_seconds
    async with app.router.lifespan_context(app):
        gateway = SimulatedGateway(
            clock=clock, administer=administer, store=store, _app=app, _worker=worker
        )
        renewal = asyncio.create_task(gateway.keep_leases())
        try:
            yield gateway
        finally:
            renewal.cancel()
            await asyncio.gather(renewal, return_exceptions=True)
            stopped = asyncio.Event()
            stopped.set()
            await worker.run(stopped)  # It releases its leases.


async def _close_nothing() -> None:
    """The application closes the store, which both use."""


async def _request(
    app: Application, method: str, target: str, body: object, key: str
) -> tuple[int, Any]:
    """Return status and JSON of a request to the application, without a socket."""
    content = b"" if body is None else json.dumps(body).encode()
    parts = urlsplit(target)
    scope: Mapping[str, object] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "root_path": "",
        "query_string": parts.query.encode(),
        "headers": [
            (b"x-api-key", key.encode()),
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(content)),
        ],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 0),
    }
    messages: list[Any] = []
    sent = iter([{"type": "http.request", "body": content, "more_body": False}])

    async def receive() -> Any:
        message = next(sent, None)
        if message is None:
            await asyncio.Event().wait()  # The client stays connected.
        return message

    async def send(message: Any) -> None:
        messages.append(message)

    await app(dict(scope), receive, send)
    text = b"".join(message.get("body", b"") for message in messages[1:])
    return messages[0]["status"], json.loads(text) if text else None
