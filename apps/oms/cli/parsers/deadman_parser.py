"""Parser of ``oms deadman``."""

import argparse
from typing import Any

from oms.cli.flags import add_group, add_verb, lazy_command, network_flags

#: A test compares them with ``domain.risk.deadman``.
ACTIONS = ("cancel_entries", "reduce_only", "flatten")


def add_deadman(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the commands on dead-man switches."""
    verbs, network = add_group(commands, "deadman", "dead-man switches"), network_flags(common)
    arm = add_verb(
        verbs,
        "arm",
        [network],
        "act on accounts if no beat arrives in time",
        example="deadman arm --account-ids 1 --timeout-seconds 60 --action cancel_entries",
        run=lazy_command("deadman", "arm"),
    )
    arm.add_argument("--account-ids", type=int, nargs="+", required=True, help="ids of accounts")
    arm.add_argument("--strategy-ids", type=int, nargs="+", default=[], help="default: all")
    arm.add_argument("--timeout-seconds", type=int, required=True, help="5 to 3600")
    arm.add_argument("--action", required=True, choices=ACTIONS, help=", ".join(ACTIONS))
    arm.add_argument("--comment", help="for the audit log")
    add_verb(
        verbs,
        "list",
        [network],
        "show the armed and fired switches",
        example="deadman list",
        run=lazy_command("deadman", "list_switches"),
    )
    beat = add_verb(
        verbs,
        "beat",
        [network],
        "move the deadline of a switch",
        example="deadman beat --id 1",
        run=lazy_command("deadman", "beat"),
    )
    disarm = add_verb(
        verbs,
        "disarm",
        [network],
        "disarm a switch",
        example="deadman disarm --id 1",
        run=lazy_command("deadman", "disarm"),
    )
    for verb in (beat, disarm):
        verb.add_argument("--id", type=int, required=True, help="id of the switch")
