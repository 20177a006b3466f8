"""``oms market session``: the trading hours of a symbol; needs no server."""

import argparse
from datetime import datetime
from typing import Any

from oms.adapters.clock import SystemClock
from oms.adapters.trading_calendar import LibraryCalendar
from oms.cli.output import CommandFailed
from oms.domain.market_hours import Session, UnknownHours, session_of
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
    try:
        hours = LibraryCalendar().hours(kind, at)
    except UnknownHours as unknown:
        raise CommandFailed(unknown.message, status=1) from None
    row["open"] = hours.is_open
    row["next_open"] = time_text(hours.next_open)
    row["next_close"] = time_text(hours.next_close)
    return row


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise CommandFailed(f"--at: {text!r} is no time", status=2) from None
    if at.tzinfo is None:
        raise CommandFailed(f"--at: {text!r} has no zone; append Z for UTC", status=2)
    return at
