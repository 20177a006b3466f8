"""Parser of ``oms market``."""

import argparse
from typing import Any

from oms.cli.flags import add_group, add_verb, lazy_command, network_flags


def add_market(commands: Any, json: argparse.ArgumentParser) -> None:
    """Add the commands on markets."""
    verbs = add_group(commands, "market", "hours of markets")
    session = add_verb(
        verbs,
        "session",
        [json],
        "whether a symbol trades at a time, and its next open and close",
        example="market session AAPL --at 2025-07-15T13:30:00Z",
        run=lazy_command("market.session", "session"),
    )
    session.add_argument("symbol", metavar="SYMBOL", help="as AAPL")
    session.add_argument("--at", help="time with its zone, as 2025-07-15T13:30:00Z (now)")
    _add_overrides(verbs, network_flags(json))


def _add_overrides(verbs: Any, network: argparse.ArgumentParser) -> None:
    add_verb(
        verbs,
        "overrides",
        [network],
        "list the days with other hours than the calendar has",
        example="market overrides",
        run=lazy_command("market.session_overrides", "show"),
    )
    change = add_verb(
        verbs,
        "override",
        [network],
        "close a market for a day, or set its hours",
        example="market override 2026-12-24 --open 09:30 --close 13:00 --comment announced",
        run=lazy_command("market.session_overrides", "change"),
    )
    change.add_argument("date", metavar="DATE", help="day of the market, as 2026-12-24")
    change.add_argument("--session", help="the market (us_equity)")
    change.add_argument("--closed", action="store_true", help="all day")
    change.add_argument("--open", help="local time of the market, as 09:30")
    change.add_argument("--close", help="local time of the market, as 13:00")
    change.add_argument("--comment", required=True, help="why, for the audit log")
    change.add_argument("--replace", action="store_true", help="in place of that of the day")
    remove = add_verb(
        verbs,
        "restore",
        [network],
        "delete an override: the day is that of the calendar again",
        example="market restore 3",
        run=lazy_command("market.session_overrides", "remove"),
    )
    remove.add_argument("id", type=int, metavar="ID", help="id of the override")
