"""The composition root: builds an API, a worker or a runner process from settings.

Plain arguments, no framework. Only the command line imports this package.
"""

import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.ccxt.client.ccxt_patch import ignore_ccxt_patch
from oms.adapters.clock import SystemClock
from oms.adapters.private_files import SQLITE_SUFFIXES, create_private_folder, make_private
from oms.adapters.socket_notifier import SocketNotifier
from oms.adapters.sql.connection.engine import sqlite_file
from oms.adapters.sql.maintenance import migration_runner as migrations
from oms.adapters.sql.maintenance.migration_runner import MigrationStatus, UpgradeResult
from oms.adapters.sql.store import SqlStore
from oms.adapters.trading_calendar import LibraryCalendar
from oms.bootstrap.exchange_factory import (
    build_client_preparation,
    build_exchange_factory,
    build_mark_feeds,
    build_market_cache,
)
from oms.config import FIRST_RUN_FILE, Settings
from oms.domain.errors import Conflict

if TYPE_CHECKING:
    from oms.adapters.vault import AesVault
    from oms.api.app import Application
    from oms.ports.notifier import Notifier
    from oms.runner.main import Runner
    from oms.services.access.administer import Administer
    from oms.worker.main import Worker


async def migrate(settings: Settings) -> UpgradeResult:
    """Upgrade the database to this version. Raises ``Unavailable``.

    A new gateway is disabled if the setting ``enabled`` says so.
    """
    secure_files(settings)
    upgraded = await migrations.upgrade(settings.dsn)
    if not settings.enabled:
        await _disable_new_gateway(settings)
    return upgraded


async def _disable_new_gateway(settings: Settings) -> None:
    """Activate the switch of a gateway without users, unless it was set before."""
    from oms.services.submission.oms_switch import disable_at_installation

    async with open_store(settings) as store:
        if not await store.user_admin.users():
            await disable_at_installation(store.kill_switches, SystemClock().now())


def secure_files(settings: Settings) -> None:
    """Create the data folder, and make its files accessible to this system user only.

    Raises ``OSError``.
    """
    create_private_folder(settings.home)
    database = sqlite_file(settings.dsn)
    files = [settings.key_file, settings.signal_key_path, settings.home / FIRST_RUN_FILE]
    if database is not None:
        files += [database.with_name(database.name + suffix) for suffix in SQLITE_SUFFIXES]
    make_private(files)


async def require_schema(store: SqlStore) -> str:
    """Return the schema version. Raises ``Conflict`` if it is not that of this program."""
    expected, version = migrations.expected_version(), await store.schema_version()
    if version is None or version != expected:
        found = "has no tables" if version is None else f"is of schema {version}, not {expected}"
        raise Conflict(f"the database {found}: run oms db upgrade")
    return version


async def migration_status(settings: Settings) -> MigrationStatus:
    """Return the database's version and the pending migrations. Raises ``Unavailable``."""
    return await migrations.status(settings.dsn)


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[SqlStore]:
    """Open the store, and close it at the end."""
    store = await SqlStore.open(settings.dsn, check_account)
    try:
        yield store
    finally:
        await store.close()


async def _open_secured(settings: Settings, read_url: str | None = None) -> SqlStore:
    """Open the store of a process that stays, with its files made private."""
    secure_files(settings)
    return await SqlStore.open(settings.dsn, check_account, read_url=read_url)


def build_vault(settings: Settings) -> "AesVault":
    """Return the vault, with the master keys of the environment or else of the key file."""
    from oms.adapters.key_file import KeyFile
    from oms.adapters.vault import AesVault

    if settings.master_key:
        keys = [part.strip() for part in settings.master_key.split(",") if part.strip()]
        return AesVault(lambda: keys)
    return AesVault(KeyFile(settings.key_file).read)


def ensure_master_key(settings: Settings) -> bool:
    """Create the key file if there is no master key. Returns whether it did. Raises ``OSError``."""
    from oms.adapters.key_file import KeyFile
    from oms.adapters.vault import new_master_key

    if settings.master_key:
        return False
    return KeyFile(settings.key_file).create(new_master_key())


def has_master_key(settings: Settings) -> bool:
    """Return whether there is a master key. Raises ``NoMasterKey`` if its file is unreadable."""
    from oms.adapters.key_file import KeyFile

    return bool(settings.master_key or KeyFile(settings.key_file).read())


def build_signal_vault(settings: Settings) -> "AesVault":
    """Return the vault of the secrets that API and runner open: never of exchange credentials."""
    from oms.adapters.key_file import KeyFile
    from oms.adapters.vault import AesVault

    missing = f"there is no signal key in {settings.signal_key_path}: start oms api or oms up"
    if settings.signal_key:
        keys = [settings.signal_key.strip()]
        return AesVault(lambda: keys, missing)
    return AesVault(KeyFile(settings.signal_key_path).read, missing)


def ensure_signal_key(settings: Settings) -> bool:
    """Create the file of the signal key if there is no key. Returns whether it did.

    Raises ``OSError``.
    """
    from oms.adapters.key_file import SIGNAL_KEY_HEADER, KeyFile
    from oms.adapters.vault import new_master_key

    if settings.signal_key:
        return False
    return KeyFile(settings.signal_key_path, SIGNAL_KEY_HEADER).create(new_master_key())


async def build_notifier(settings: Settings, store: SqlStore) -> "Notifier":
    """Return the notifications of a process: sockets on this host, with ``redis_url`` Redis too.

    Raises ``OSError`` if the folder of the sockets cannot be created, ``Unavailable``.
    """
    local = SocketNotifier(settings.notifier_socket_dir)
    if settings.redis_url is None:
        return local
    from oms.adapters.redis_notifier import RedisNotifier, socket_origin

    return RedisNotifier(
        local,
        settings.redis_url,
        prefix=await store.installation_tag(),
        origin=socket_origin(settings.notifier_socket_dir),
    )


async def build_worker(
    settings: Settings, *, name: str = "", only: tuple[int, ...] = ()
) -> "Worker":
    """Build a worker process; ``only`` limits it to these accounts.

    A patch of ccxt is removed from this process, and logged.
    """
    from oms.bootstrap.worker_process import wire_worker
    from oms.worker.mark_schedule import READ_SHARE

    ignore_ccxt_patch()
    store = await _open_secured(settings)
    market_cache, calendar = build_market_cache(store), LibraryCalendar()
    connect = build_exchange_factory(
        store=store,
        vault=build_vault(settings),
        tag=await store.installation_tag(),
        tapes=settings.price_tapes_dir,
        cache=settings.market_cache_dir,
        live_age=timedelta(seconds=settings.max_price_age_seconds),
        market_cache=market_cache,
        calendar=calendar,
    )
    refresh_seconds = settings.desk.price_refresh_seconds
    worker = wire_worker(
        settings,
        store,
        name=name or _unique_name(),
        notifier=await build_notifier(settings, store),
        connect=connect,
        close=store.close,
        open_feed=build_mark_feeds(
            market_cache, settings.market_cache_dir, READ_SHARE * refresh_seconds
        ),
        only=only,
        calendar=calendar,
    )
    worker.prepare = build_client_preparation(
        store,
        market_cache,
        settings.market_cache_dir,
        live_allowed=settings.live_trading_allowed,
    )
    return worker


async def build_runner(settings: Settings, *, name: str = "") -> "Runner":
    """Build a runner process."""
    from oms.bootstrap.runner_process import wire_runner

    store = await _open_secured(settings)
    return wire_runner(
        settings,
        store,
        name=name or _unique_name(),
        signal_vault=build_signal_vault(settings),
        notifier=await build_notifier(settings, store),
        close=store.close,
    )


def _unique_name() -> str:
    """Return the name of a process that has no successor of the same name."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


def build_administer(settings: Settings, store: SqlStore) -> "Administer":
    """Build the administration of users, keys, accounts and strategies."""
    from oms.services.access.administer import Administer
    from oms.services.access.authenticate import Authenticate
    from oms.services.access.last_used import LastUsedRecorder
    from oms.services.access.login import Login
    from oms.services.access.passwords import Passwords
    from oms.services.credentials.seal import SealCredentials

    clock = SystemClock()
    last_use, passwords = LastUsedRecorder(credentials=store.login_credentials), Passwords()
    return Administer(
        people=store.user_admin,
        strategies=store.strategies,
        registry=store.registry,
        audit_log=store.audit_log,
        passwords=passwords,
        login=Login(credentials=store.login_credentials, passwords=passwords, clock=clock),
        authenticate=Authenticate(
            registry=store.registry,
            clock=clock,
            cache_seconds=settings.access_cache_seconds,
            on_authenticated=last_use,
        ),
        last_use=last_use,
        account_admin=store.account_admin,
        seal=SealCredentials(rows=store.sealed_credentials, sealer=build_vault(settings)),
        risk_presets=settings.risk_presets.model_dump(),
    )


async def build_api(settings: Settings) -> "Application":
    """Build the application of an API process; it closes its store when it stops."""
    from oms.bootstrap.api_process import wire_api

    store = await _open_secured(settings, read_url=settings.database_read_url)
    with suppress(OSError):  # a folder that another process writes
        ensure_signal_key(settings)
    return wire_api(
        settings,
        store,
        notifier=await build_notifier(settings, store),
        administer=build_administer(settings, store),
        signal_vault=build_signal_vault(settings),
    )
