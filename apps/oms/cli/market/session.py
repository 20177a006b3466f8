"""``oms market session``: the trading hours of a symbol; needs no server.

Overridden days are read from the database, if there is one.
"""

import argparse
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from oms import bootstrap
from oms.adapters.clock import SystemClock
from oms.adapters.sql.connection.engine import sqlite_file
from oms.adapters.trading_calendar import LibraryCalendar
from oms.cli.install import run_async
from oms.cli.output import CommandFailed
from oms.cli.settings import command_settings
from oms.domain.market_hours import Session, UnknownHours, session_of
from oms.domain.session_override import SessionOverride
from oms.wire.json import time_text


def session(parsed: argparse.Namespace) -> dict[str, Any]:
    """Return ``{symbol, session, at, open, next_open, next_close}``."""
    at = SystemClock().now() if parsed.at is None else _instant(parsed.at)
    kind = session_of(parsed.symbol)
    row: dict[str, Any] = {
        "symbol": parsed.symbol,
        "session": kind.value,
        "at": time_text(at),
        "open": True,
        "next_open": None,
        "next_close": None,
    }
    if kind is Session.CONTINUOUS:
        return row
    calendar = LibraryCalendar()
    calendar.set_overrides(_stored_overrides(parsed))
    try:
        hours = calendar.hours(kind, at)
    except UnknownHours as unknown:
        raise CommandFailed(unknown.message, status=1) from None
    row["open"] = hours.is_open
    row["next_open"] = time_text(hours.next_open)
    row["next_close"] = time_text(hours.next_close)
    return row


def _stored_overrides(parsed: argparse.Namespace) -> Sequence[SessionOverride]:
    """Return the overridden days; none without a database file. Raises ``Unavailable``."""
    settings = command_settings(parsed)
    file = sqlite_file(settings.dsn)
    if file is not None and not file.exists():
        return ()

    async def read() -> Sequence[SessionOverride]:
        async with bootstrap.open_store(settings) as store:
            await bootstrap.require_schema(store)
            return await store.session_overrides.all()

    overrides: Sequence[SessionOverride] = run_async(read())
    return overrides


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise CommandFailed(f"--at: {text!r} is no time", status=2) from None
    if at.tzinfo is None:
        raise CommandFailed(f"--at: {text!r} has no zone; append Z for UTC", status=2)
    return at
