"""The one place where parts are chosen: settings in, a running API or worker out.

Plain arguments, no framework. Only the command line imports this module.
"""

import os
import secrets
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from oms import __version__
from oms.adapters.clock import SystemClock
from oms.adapters.sql import migrate as migrations
from oms.adapters.sql.migrate import Status, Upgraded
from oms.adapters.sql.store import SqlStore
from oms.adapters.wakeup import SocketDoorbell
from oms.bootstrap.exchanges import exchanges
from oms.config import Settings

if TYPE_CHECKING:
    from oms.adapters.vault import AesVault
    from oms.api.app import Application
    from oms.services.administer import Administer
    from oms.services.execute import Execute
    from oms.services.mutate import Mutate
    from oms.services.rearrange import Rearrange
    from oms.services.record import Record
    from oms.services.rights import Rights
    from oms.worker.main import Worker

CLIENT_ORDER_ID_BYTES = 16
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _CROCKFORD for second in _CROCKFORD]


async def migrate(settings: Settings) -> Upgraded:
    """Bring the database to this version. Raises ``Unavailable``."""
    settings.home.mkdir(parents=True, exist_ok=True)
    return await migrations.upgrade(settings.dsn)


async def migration_status(settings: Settings) -> Status:
    """The database's version and what is still to be applied. Raises ``Unavailable``."""
    return await migrations.status(settings.dsn)


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[SqlStore]:
    """The store, closed at the end."""
    store = await SqlStore.open(settings.dsn)
    try:
        yield store
    finally:
        await store.close()


def vault(settings: Settings) -> "AesVault":
    """What seals and opens credentials, with the keys of the environment, else of the file."""
    from oms.adapters.key_file import KeyFile
    from oms.adapters.vault import AesVault

    if settings.master_key:
        told = [part.strip() for part in settings.master_key.split(",") if part.strip()]
        return AesVault(lambda: told)
    return AesVault(KeyFile(settings.key_file).read)


def ensure_master_key(settings: Settings) -> bool:
    """Make the key file where there is no master key; whether it was made. Raises ``OSError``."""
    from oms.adapters.key_file import KeyFile
    from oms.adapters.vault import new_master_key

    if settings.master_key:
        return False
    return KeyFile(settings.key_file).create(new_master_key())


async def worker(settings: Settings, *, name: str = "", only: tuple[int, ...] = ()) -> "Worker":
    """A worker process's parts; ``only`` narrows it to these accounts."""
    from oms.services.chain_audit import ChainAudit
    from oms.services.commit import Commit
    from oms.services.hear import Hear
    from oms.worker.account import Accounts
    from oms.worker.chores import Chores
    from oms.worker.leases import LeaseKeeper
    from oms.worker.main import Worker
    from oms.worker.pipeline import Pipeline
    from oms.worker.sweeps import Sweeps

    store = await SqlStore.open(settings.dsn)
    clock = SystemClock()
    bell = SocketDoorbell(settings.bell)
    connect = exchanges(
        store=store,
        vault=vault(settings),
        tag=await store.installation_tag(),
        tapes=settings.tapes,
        cache=settings.markets,
        live_age=timedelta(seconds=settings.max_price_age_seconds),
    )
    owner = name or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    execute = _execute(settings, store)
    keeper = LeaseKeeper(
        owner=owner, leases=store.leases, seconds=settings.lease_seconds, only=only
    )
    accounts = Accounts(
        keeper=keeper,
        clock=clock,
        queue=store.queue,
        ledger=store.ledger,
        execute=execute,
        record=execute.record,
        hear=Hear(record=execute.record, reconcile=execute.reconcile),
        pipeline=Pipeline(commit=Commit(ledger=store.ledger, bell=bell, clock=clock)),
        connect=connect,
        batch_max=settings.commands.batch_max,
        live_allowed=settings.live_trading_allowed,
    )
    return Worker(
        name=owner,
        accounts=accounts,
        keeper=keeper,
        leases=store.leases,
        chores=Chores(
            clock=clock,
            queue=store.queue,
            ledger=store.ledger,
            credentials=store.credentials,
            chain_audit=ChainAudit(log=store.audit_log),
            retention_days=settings.events.retention_days,
        ),
        bell=bell,
        tick_seconds=settings.paper_tick_ms / 1000,
        close=store.close,
        sweeps=Sweeps(accounts=accounts, rows=store.reconciliations),
    )


def _execute(settings: Settings, store: SqlStore) -> "Execute":
    """What runs commands: each part on what lies below it."""
    from oms.services.caps import Caps
    from oms.services.execute import Execute
    from oms.services.kill import KillSwitches
    from oms.services.linked import Linked
    from oms.services.place import Place
    from oms.services.raw_told import RawTold
    from oms.services.rearrange import Rearrange
    from oms.services.reconcile import Reconciling
    from oms.services.record import Record
    from oms.services.rights import Rights
    from oms.services.sweep import Sweep
    from oms.services.unfold import Unfold

    ledger, ids = store.ledger, store.ids
    unfold = Unfold(ledger=ledger)
    record = Record(ledger=ledger, ids=ids, unfold=unfold)
    rights = Rights(registry=store.registry, cache_seconds=settings.access_cache_seconds)
    place = Place(
        ledger=ledger,
        record=record,
        ids=ids,
        new_name=client_order_id,
        caps=Caps(rights=rights, usage=store.key_usage),
    )
    rearrange = Rearrange(ledger=ledger, record=record, ids=ids, place=place, unfold=unfold)
    return Execute(
        ledger=ledger,
        record=record,
        rights=rights,
        linked=Linked(registry=store.registry, cache_seconds=settings.access_cache_seconds),
        place=place,
        sweep=Sweep(place=place),
        rearrange=rearrange,
        mutate=_mutate(store, record, rights, rearrange),
        switches=KillSwitches(kills=store.kills),
        reconcile=Reconciling(
            ledger=ledger,
            record=record,
            ids=ids,
            rows=store.reconciliations,
            raw=RawTold(rows=store.raw, ids=ids),
        ),
        max_queue_seconds=settings.commands.max_queue_s,
    )


def _mutate(
    store: SqlStore, record: "Record", rights: "Rights", rearrange: "Rearrange"
) -> "Mutate":
    """What sets rows right."""
    from oms.services.mutate import mutate_parts

    return mutate_parts(
        ledger=store.ledger,
        history=store.history,
        audit=store.audit,
        ids=store.ids,
        record=record,
        rights=rights,
        rearrange=rearrange,
    )


def client_order_id() -> str:
    """26 characters of Crockford's alphabet, 128 random bits."""
    number = int.from_bytes(secrets.token_bytes(CLIENT_ORDER_ID_BYTES)) << 2
    return "".join([_PAIRS[number >> place & 1023] for place in range(120, -1, -10)])


def _administer(settings: Settings, store: SqlStore, clock: SystemClock) -> "Administer":
    """The desk of users and keys."""
    from oms.services.administer import Administer
    from oms.services.authenticate import Authenticate
    from oms.services.last_use import LastUse
    from oms.services.login import Login
    from oms.services.passwords import Passwords
    from oms.services.seal import Seal

    last_use, passwords = LastUse(credentials=store.credentials), Passwords()
    return Administer(
        people=store.people,
        strategies=store.strategies,
        registry=store.registry,
        audit_log=store.audit_log,
        passwords=passwords,
        login=Login(credentials=store.credentials, passwords=passwords, clock=clock),
        authenticate=Authenticate(
            registry=store.registry,
            clock=clock,
            cache_seconds=settings.access_cache_seconds,
            noted=last_use,
        ),
        last_use=last_use,
        account_desk=store.account_desk,
        seal=Seal(rows=store.sealed, sealer=vault(settings)),
    )


async def api(settings: Settings) -> "Application":
    """The application of an API process; it closes its store when it stops."""
    from oms.adapters.paper.marks import PaperMarks
    from oms.api.app import create_app
    from oms.api.budgets import Budgets
    from oms.api.deps import Doors
    from oms.api.feed import Feed
    from oms.api.sockets.door import Sockets
    from oms.api.tally import Tally
    from oms.services.depth import Depths
    from oms.services.enqueue import Enqueue
    from oms.services.reads import Reads
    from oms.services.submit import Submit
    from oms.services.waiting import Waiting

    store = await SqlStore.open(settings.dsn)
    clock = SystemClock()
    commands, bell = settings.commands, SocketDoorbell(settings.bell)
    depths = Depths(queue=store.queue, clock=clock, depth_max=commands.queue_depth_max)
    administer = _administer(settings, store, clock)
    parts = Doors(
        settings=settings,
        version=__version__,
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
        reads=Reads(registry=store.registry, history=store.history, queue=store.queue),
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
        schema_expected=migrations.expected(),
        close=store.close,
    )
    feed = Feed(history=store.history, stirred=parts.waiting.stirred)
    return create_app(replace(parts, sockets=Sockets(parts, feed)))
