"""The whole of oms-gateway in one process: API, worker and a store of its own. For tests.

The parts are the real ones; only the doorbell is a local one, because there is no second process.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from fastapi import FastAPI

from kit.asgi import AsgiClient
from kit.bell import LocalBell
from kit.desk import an_administer
from oms.adapters.clock import SystemClock
from oms.adapters.paper.exchange import PaperExchange
from oms.adapters.paper.marks import PaperMarks
from oms.adapters.sql.migrate import upgrade
from oms.adapters.sql.store import SqlStore
from oms.api.app import create_app
from oms.api.budgets import Budgets
from oms.api.deps import Doors
from oms.api.feed import Feed
from oms.api.sockets.door import Sockets
from oms.api.tally import Tally
from oms.config import Settings
from oms.domain.access import Grant
from oms.domain.account import Engine
from oms.domain.errors import Refused
from oms.ports.exchange import Exchange
from oms.ports.ledger import AccountImage
from oms.ports.registry import AuditEntry
from oms.services.authenticate import hash_of
from oms.services.caps import Caps
from oms.services.chain_audit import ChainAudit
from oms.services.commit import Commit
from oms.services.depth import Depths
from oms.services.enqueue import Enqueue
from oms.services.execute import Execute
from oms.services.hear import Hear
from oms.services.kill import KillSwitches
from oms.services.linked import Linked
from oms.services.mutate import mutate_parts
from oms.services.place import Place
from oms.services.raw_told import RawTold
from oms.services.reads import Reads
from oms.services.rearrange import Rearrange
from oms.services.reconcile import Reconciling
from oms.services.record import Record
from oms.services.rights import Rights
from oms.services.submit import Submit
from oms.services.sweep import Sweep
from oms.services.unfold import Unfold
from oms.services.waiting import Waiting
from oms.worker.account import Accounts
from oms.worker.chores import Chores
from oms.worker.leases import LeaseKeeper
from oms.worker.main import Worker
from oms.worker.pipeline import Pipeline

AUDIT = AuditEntry(actor="test", action="make", entity="thing", entity_id="")
TRADER = Grant(can_trade=True, can_close_position=True)
ADMIN_KEY = "oms_an-admin-for-tests-only"
MANUAL = '{"oms":{"paper":{"source":"manual"}}}'


@dataclass(slots=True)
class Office:
    """What a test needs of it."""

    store: SqlStore
    app: FastAPI
    doors: Doors
    client: AsgiClient
    account_id: int
    worker: Worker
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _working: "asyncio.Task[None] | None" = None

    def start_worker(self) -> None:
        """Let commands be carried out."""
        self._working = asyncio.create_task(self.worker.run(self._stop))

    async def stop_worker(self) -> None:
        """Let them lie."""
        if self._working is not None:
            self._stop.set()
            await self._working
            self._working = None

    async def order(self, query: str = "", **payload: object) -> Any:
        """Send a small market buy, or what ``payload`` says; the whole answer."""
        return await self.client("POST", f"/oms/commands{query}", self.command(**payload))

    def command(self, **payload: object) -> dict[str, Any]:
        """The body of a small market buy."""
        order = {"symbol": "BTC/USDT:USDT", "side": "buy", "order_type": "market", "qty": "0.01"}
        return {
            "account_id": self.account_id,
            "command": "send_order",
            "payload": order | payload,
        }

    async def add_account(self, mode: str = "netting", extra: str = MANUAL) -> int:
        """A new paper account."""
        return await self.store.registry.create_account(
            exchange_id="paper.binance",
            label=f"paper {mode}",
            position_mode=mode,
            environment="paper",
            is_testnet=False,
            extra_config=extra,
            trader_name=None,
            now=now(),
            audit=AUDIT,
        )

    async def add_key(
        self,
        name: str,
        key: str,
        role: str = "trader",
        expires_at: datetime | None = None,
        grants: dict[int, Grant] | None = None,
    ) -> str:
        """A key of a user who may trade on the office's account, or has ``grants``."""
        registry = self.store.registry
        user, _ = await registry.create_user(name=name, role=role, now=now(), audit=AUDIT)
        await registry.create_key(
            user_id=user.id,
            key_hash=hash_of(key),
            key_prefix=key[:8],
            label=None,
            expires_at=expires_at,
            now=now(),
            audit=AUDIT,
        )
        default = {} if role == "admin" else {self.account_id: TRADER}
        for account_id, grant in (default if grants is None else grants).items():
            await registry.grant(
                user_id=user.id, account_id=account_id, grant=grant, now=now(), audit=AUDIT
            )
        return key


def now() -> datetime:
    """The machine's time."""
    return SystemClock().now()


@asynccontextmanager
async def open_office(dsn: str, settings: Settings | None = None) -> AsyncIterator[Office]:
    """An office with one netting account at manual prices, a trader's key and an admin's."""
    await upgrade(dsn)
    store = await SqlStore.open(dsn)
    bell = LocalBell()
    doors = _doors(store, bell, settings or Settings())
    feed = Feed(history=store.history, stirred=doors.waiting.stirred)
    app = create_app(replace(doors, sockets=Sockets(doors, feed)))
    worker = _worker(store, bell)
    office = Office(store, app, doors, AsgiClient(app), 0, worker)
    office.account_id = await office.add_account()
    key = await office.add_key("trader", "oms_a-trader-for-tests-only")
    await office.add_key("admin", ADMIN_KEY, role="admin")
    office.client = AsgiClient(app, key)
    async with app.router.lifespan_context(app):
        try:
            yield office
        finally:
            await office.stop_worker()
    await store.close()


def _doors(store: SqlStore, bell: LocalBell, settings: Settings) -> Doors:
    clock = SystemClock()
    commands = settings.commands
    depths = Depths(queue=store.queue, clock=clock, depth_max=commands.queue_depth_max)
    reads = Reads(registry=store.registry, history=store.history, queue=store.queue)
    administer = an_administer(store, settings)
    return Doors(
        settings=settings,
        version="0.0.0",
        clock=clock,
        authenticate=administer.authenticate,
        administer=administer,
        submit=Submit(
            queue=store.queue,
            history=store.history,
            registry=store.registry,
            ids=store.ids,
            clock=clock,
            enqueue=Enqueue(queue=store.queue, bell=bell, batch_max=commands.batch_max),
            depths=depths,
            idempotency_hours=commands.idempotency_hours,
        ),
        waiting=Waiting(queue=store.queue, bell=bell),
        reads=reads,
        history=store.history,
        reconciliations=store.reconciliations,
        leases=store.leases,
        depths=depths,
        bell=bell,
        health=store,
        budgets=Budgets(limits=settings.limits, now=time.monotonic),
        tally=Tally(started_at=clock.now()),
        figures=store.figures,
        replies=store.replies,
        raw=store.raw,
        kills=store.kills,
        marks=PaperMarks(store.registry, store.paper_prices, clock),
    )


def _worker(store: SqlStore, bell: LocalBell) -> Worker:
    clock = SystemClock()
    record = Record(ledger=store.ledger, ids=store.ids, unfold=Unfold(ledger=store.ledger))
    names = iter(range(1, 10**9))
    rights = Rights(registry=store.registry, cache_seconds=1)
    place = Place(
        ledger=store.ledger,
        record=record,
        ids=store.ids,
        new_name=lambda: f"NAME{next(names):022d}",
        caps=Caps(rights=rights, usage=store.key_usage),
    )
    rearrange = Rearrange(
        ledger=store.ledger, record=record, ids=store.ids, place=place, unfold=record.unfold
    )
    execute = Execute(
        ledger=store.ledger,
        record=record,
        mutate=mutate_parts(
            ledger=store.ledger,
            history=store.history,
            audit=store.audit,
            ids=store.ids,
            record=record,
            rights=rights,
            rearrange=rearrange,
        ),
        switches=KillSwitches(kills=store.kills),
        reconcile=Reconciling(
            ledger=store.ledger,
            record=record,
            ids=store.ids,
            rows=store.reconciliations,
            raw=RawTold(rows=store.raw, ids=store.ids),
        ),
        rights=rights,
        linked=Linked(registry=store.registry, cache_seconds=1),
        place=place,
        sweep=Sweep(place=place),
        rearrange=rearrange,
        max_queue_seconds=60,
    )
    keeper = LeaseKeeper(owner="office", leases=store.leases, seconds=5, only=())
    accounts = Accounts(
        keeper=keeper,
        clock=clock,
        queue=store.queue,
        ledger=store.ledger,
        execute=execute,
        record=record,
        hear=Hear(record=record, reconcile=execute.reconcile),
        pipeline=Pipeline(commit=Commit(ledger=store.ledger, bell=bell, clock=clock)),
        connect=_connect,
        batch_max=500,
    )
    return Worker(
        name="office",
        accounts=accounts,
        keeper=keeper,
        leases=store.leases,
        chores=Chores(
            clock=clock,
            queue=store.queue,
            ledger=store.ledger,
            credentials=store.credentials,
            chain_audit=ChainAudit(log=store.audit_log),
            retention_days=7,
        ),
        bell=bell,
        tick_seconds=0.25,
        close=_nothing,
    )


class _Unserved(PaperExchange):
    """What stands in for a real exchange: nothing can be sent to it from here."""

    def trouble(self) -> Refused:
        message = "this office serves paper accounts alone"
        return Refused(code="engine_unavailable", message=message)


def _connect(image: AccountImage, _on_news: Callable[[], None]) -> Exchange:
    kind = PaperExchange if image.account.engine is Engine.PAPER else _Unserved
    return kind.restore(image.account, image.memory)


async def _nothing() -> None:
    return None
