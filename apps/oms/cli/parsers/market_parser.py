"""Parser of ``oms market``."""

import argparse
from typing import Any

from oms.cli.flags import add_group, add_verb, lazy_command


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
