"""``oms doctor``: checks of configuration, database, keys, clock, workers and exchanges.

Read-only. A check that is not possible because an earlier one failed is left out. With ``--url``
it checks only what a caller of that address gets.
"""

import argparse
import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from oms import bootstrap
from oms.adapters.key_file import KeyFile
from oms.adapters.sql.store import SqlStore
from oms.bootstrap.connection_check import check_connection
from oms.cli.doctor.url_checks import check_url, refuse_account
from oms.cli.output import CommandFailed
from oms.cli.settings import command_settings
from oms.config import Settings
from oms.domain.account import Engine
from oms.domain.errors import Conflict, OmsError
from oms.ports.vault import NoMasterKey
from oms.services.credentials.rotate import RotateMasterKey

CLOCK_SECONDS_MAX = 1.0
WORKER_SECONDS_MAX = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check and its result, without secrets."""

    name: str
    ok: bool
    detail: str

    def as_row(self) -> dict[str, Any]:
        """Return the check as a JSON object."""
        return {"name": self.name, "ok": self.ok, "detail": self.detail}


def doctor(parsed: argparse.Namespace) -> Any:
    """Return ``{ok, checks}``."""
    if parsed.url is not None:
        refuse_account(parsed)
        found = [Check(name=name, ok=ok, detail=detail) for name, ok, detail in check_url(parsed)]
        return _report(found)
    try:
        settings = command_settings(parsed)
    except CommandFailed as error:
        checks = [Check(name="config", ok=False, detail=error.message)]
    else:
        source = os.environ.get("OMS_CONFIG", "no config file")
        checks = [Check(name="config", ok=True, detail=source)]
        checks += asyncio.run(_run_checks(settings, parsed.account_id))
    return _report(checks)


def _report(checks: list[Check]) -> Any:
    return {"ok": all(check.ok for check in checks), "checks": [each.as_row() for each in checks]}


async def _run_checks(settings: Settings, account_id: int | None) -> list[Check]:
    checks: list[Check] = []
    name = "database"
    try:
        async with bootstrap.open_store(settings) as store:
            async for check in _check_store(store, settings, account_id):
                checks.append(check)
                name = "migrations" if check.name == "database" else "tables"
    except (OmsError, ValueError, TypeError) as error:
        reason = error.message if isinstance(error, OmsError) else "database_url cannot be read"
        detail = f"{reason}: {settings.database_address}"
        checks.append(Check(name=name, ok=False, detail=detail))
    return checks


async def _check_store(
    store: SqlStore, settings: Settings, account_id: int | None
) -> AsyncIterator[Check]:
    before = datetime.now(UTC)
    database_now = await store.now()
    duration = datetime.now(UTC) - before
    yield Check(name="database", ok=True, detail=settings.database_address)
    status = await bootstrap.migration_status(settings)
    pending = ", ".join(status.pending)
    detail = f"pending: {pending}; run oms db upgrade" if pending else f"at {status.version}"
    yield Check(name="migrations", ok=not pending, detail=detail)
    if pending:
        return
    yield await _check_keys(store, settings)
    skew = abs((database_now - before - duration / 2).total_seconds())
    is_in_sync = skew <= CLOCK_SECONDS_MAX + duration.total_seconds() / 2
    yield Check(name="clock", ok=is_in_sync, detail=f"{skew:.3f} s from the database's")
    yield await _check_worker(store)
    if account_id is not None:
        async for check in _check_exchange(store, settings, account_id):
            yield check


async def _check_keys(store: SqlStore, settings: Settings) -> Check:
    """Check that all credentials can be decrypted and the key file is private."""
    vault = bootstrap.build_vault(settings)
    try:
        current = vault.key_id
    except NoMasterKey as error:
        is_needed = bool(await store.sealed_credentials.page(0, 1)) or settings.key_file.exists()
        detail = error.message if is_needed else "no master key; no credentials need one"
        return Check(name="keys", ok=not is_needed, detail=detail)
    check = await RotateMasterKey(rows=store.sealed_credentials, vault=vault).check()
    if check.unreadable:
        ids = ", ".join(map(str, check.unreadable[:20]))
        detail = f"credentials that no master key opens: accounts {ids}"
        return Check(name="keys", ok=False, detail=detail)
    file = KeyFile(settings.key_file)
    if not settings.master_key and file.is_accessible_by_others():
        return Check(name="keys", ok=False, detail=f"{file.path} can be read by others: chmod 600")
    detail = f"{current}; {check.verified} credentials open"
    if check.key_ids - {current}:
        detail += ", some under an older key: run oms rotate-master-key"
    return Check(name="keys", ok=True, detail=detail)


async def _check_worker(store: SqlStore) -> Check:
    alive = await store.leases.workers(WORKER_SECONDS_MAX)
    counts = await store.leases.counts()
    accounts = sum(counts.values())
    detail = f"{len(alive)} alive, {accounts} accounts held" if alive else "none is alive"
    return Check(name="worker", ok=bool(alive), detail=detail)


async def _check_exchange(
    store: SqlStore, settings: Settings, account_id: int
) -> AsyncIterator[Check]:
    """Check that the account's exchange can be used; a paper exchange always can."""
    rows = await store.registry.accounts([account_id])
    if not rows:
        yield Check(name="exchange", ok=False, detail=f"account_id={account_id} is not there")
        return
    account = rows[0].account
    if account.engine is Engine.PAPER:
        detail = f"{account.exchange_id}: within the gateway"
        yield Check(name="exchange", ok=True, detail=detail)
        return
    try:
        async for name, ok, detail in check_connection(
            account, store, bootstrap.build_vault(settings), settings
        ):
            yield Check(name=name, ok=ok, detail=detail)
    except Conflict as error:
        yield Check(name="exchange", ok=False, detail=error.message)
