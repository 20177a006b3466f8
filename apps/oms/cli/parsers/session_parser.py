"""Parser of ``oms sessions``."""

import argparse
from typing import Any

from oms.cli.flags import add_group, add_verb, lazy_command, network_flags


def add_sessions(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the commands on browser sessions."""
    verbs, network = add_group(commands, "sessions", "browser sessions"), network_flags(common)
    listed = add_verb(
        verbs,
        "list",
        [network],
        "show the active browser sessions of users",
        example="sessions list --user-id 2",
        run=lazy_command("access.browser_sessions", "list_sessions"),
    )
    listed.add_argument("--user-id", type=int, help="id of a user; default: all users")
    ended = add_verb(
        verbs,
        "revoke",
        [network],
        "end a browser session",
        example="sessions revoke --session-id 3",
        run=lazy_command("access.browser_sessions", "revoke"),
    )
    ended.add_argument("--session-id", type=int, required=True, help="id of the session")
