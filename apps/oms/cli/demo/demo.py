"""``oms demo``: makes a paper installation with a past, once, and runs it like ``oms up``.

It has a data folder and a database of its own, and works in no other: ``demo.json`` in the folder
names the installation that was made, its users and keys. What was not completed is made again.
"""

import argparse
import asyncio
import json
import os
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from oms import bootstrap
from oms.adapters.private_files import SQLITE_SUFFIXES, replaced_file
from oms.adapters.sql.connection.engine import sqlite_file
from oms.bootstrap.simulated_gateway import open_simulated_gateway
from oms.cli.demo.past_trading import PastTrading
from oms.cli.demo.planned_trades import draw_trades
from oms.cli.demo.present_state import plan_incidents, set_up_present
from oms.cli.demo.registry import create_registry
from oms.cli.demo.stored_candles import fetch_demo_candles, store_demo_candles
from oms.cli.first_run import reachable_url
from oms.cli.output import CommandFailed
from oms.cli.processes import open_listener
from oms.cli.settings import command_settings
from oms.cli.supervisor import lock_data_folder, supervise
from oms.config import Settings
from oms.domain.errors import OmsError

FOLDER = "demo"
"""The demo's data folder, inside the usual one."""

DEMO_FILE = "demo.json"


def demo(parsed: argparse.Namespace) -> None:
    """Make the demo if there is none yet, print how to look at it, and run API and worker."""
    settings = _own_settings(command_settings(parsed), parsed.home)
    with closing(open_listener(settings.host, settings.port)) as listener:
        settings = settings.model_copy(update={"port": listener.getsockname()[1]})
        with lock_data_folder(settings):
            try:
                content = asyncio.run(_prepare(settings, parsed))
            except OmsError as error:
                raise CommandFailed(error.message, status=6) from None
            text = demo_text(content, settings.home / DEMO_FILE)
            os.environ["OMS_DATABASE_URL"] = settings.dsn
            os.environ["OMS_HOME"] = str(settings.home)
            supervise(settings, listener, text)


def demo_text(content: dict[str, Any], path: Path) -> str:
    """Return what to open, and with which user and key; ``path`` is that of ``demo.json``."""
    url, passwords = content["base_url"], content["passwords"]
    return f"""
oms-gateway demo: {url}/ui/
user: trader, password: {passwords["trader"]} (trades)
user: admin, password: {passwords["admin"]} (administers; may not trade)
key: {content["api_key"]} (of trader)

Paper accounts with moving prices, made from seed {content["seed"]}.
The other users, their passwords and keys are in {path}

Ctrl-C stops it; the next start goes on with it, oms demo --fresh makes a new one.
"""


def _own_settings(settings: Settings, home: str | None) -> Settings:
    """Return the settings with the demo's folder, and the database in it unless one is named."""
    folder = settings.home / FOLDER if home is None else Path(home)
    return settings.model_copy(update={"home": folder})


async def _prepare(settings: Settings, parsed: argparse.Namespace) -> dict[str, Any]:
    """Return the content of ``demo.json``. Raises ``CommandFailed``, ``Unavailable``."""
    path = settings.home / DEMO_FILE
    content = _read(path)
    if content is not None and content["installation"] is not None and not parsed.fresh:
        await _check_installation(settings, content, parsed.seed)
    else:
        await _clear_database(settings, is_own_folder=content is not None)
        # The file is there before the database is: only then may this command remove it again.
        _write(path, {"installation": None, "seed": parsed.seed})
        content = await _make(settings, parsed.seed, timedelta(days=parsed.days))
    content |= {"base_url": reachable_url(settings)}
    _write(path, content)
    return content


async def _check_installation(settings: Settings, content: dict[str, Any], seed: int) -> None:
    """Refuse another seed, and a database that is not the one that was made."""
    if content["seed"] != seed:
        advice = "oms demo --fresh makes a new one"
        message = f"the demo in {settings.home} has the seed {content['seed']}; {advice}"
        raise CommandFailed(message, status=2)
    await bootstrap.migrate(settings)
    async with bootstrap.open_store(settings) as store:
        if await store.installation_tag() != content["installation"]:
            raise CommandFailed(_not_own(settings), status=2)


async def _clear_database(settings: Settings, *, is_own_folder: bool) -> None:
    """Remove the SQLite database that this command made; raise ``CommandFailed`` for another."""
    database = sqlite_file(settings.dsn)
    if database is None:
        await _refuse_users(settings)
        return
    is_inside = database.absolute().is_relative_to(settings.home.absolute())
    if database.exists() and not (is_own_folder and is_inside):
        raise CommandFailed(_not_own(settings), status=2)
    for suffix in SQLITE_SUFFIXES:
        database.with_name(database.name + suffix).unlink(missing_ok=True)


async def _refuse_users(settings: Settings) -> None:
    """Raise ``CommandFailed`` for a database that has users."""
    if (await bootstrap.migration_status(settings)).version is None:
        return
    await bootstrap.migrate(settings)
    async with bootstrap.open_store(settings) as store:
        if await store.user_admin.users():
            raise CommandFailed(_not_own(settings), status=2)


def _not_own(settings: Settings) -> str:
    where = settings.database_address
    return f"the database, {where}, is not one that oms demo made; it uses an empty one only"


async def _make(settings: Settings, seed: int, history: timedelta) -> dict[str, Any]:
    """Make the installation and its past; return what ``demo.json`` says of it."""
    print(f"oms: making {history.days} days of trading ...", file=sys.stderr, flush=True)
    await bootstrap.migrate(settings)
    bootstrap.ensure_master_key(settings)
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - history
    async with open_simulated_gateway(settings, start) as gateway:
        registry = await create_registry(gateway, seed, start)
        trading = PastTrading(gateway=gateway, registry=registry, start=start, history=history)
        plan_incidents(trading)
        await trading.trade(draw_trades(seed, history))
        await set_up_present(trading)
        candles = await fetch_demo_candles(trading)
    async with bootstrap.open_store(settings) as store:
        await store_demo_candles(store, candles, start + history)
        tag = await store.installation_tag()
    return {
        "installation": tag,
        "seed": seed,
        "start": start.isoformat(),
        "api_key": registry.keys["trader"],
        "admin_api_key": registry.keys["admin"],
        "accounts": dict(registry.account_ids),
        "strategies": dict(registry.strategy_ids),
        "passwords": dict(registry.passwords),
        "api_keys": dict(registry.keys),
    }


def _read(path: Path) -> dict[str, Any] | None:
    """Return the content of ``demo.json``, if there is one. Raises ``CommandFailed``."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if content.keys() >= {"installation", "seed"}:
            return content
        raise CommandFailed(f"{path} was not written by oms demo", status=2)
    except FileNotFoundError:
        return None
    except (ValueError, AttributeError):
        raise CommandFailed(f"{path} cannot be read", status=2) from None


def _write(path: Path, content: dict[str, Any]) -> None:
    with replaced_file(path) as file:
        file.write(f"{json.dumps(content, indent=2)}\n".encode())
