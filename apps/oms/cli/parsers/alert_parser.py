"""Parser of ``oms alert``."""

import argparse
from typing import Any

from oms.cli.flags import add_account_id, add_group, add_verb, lazy_command, network_flags

#: A test compares them with ``domain.protection.price_alerts``.
CONDITIONS = ("above", "below", "crosses")


def add_alerts(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the commands on price alerts."""
    verbs, network = add_group(commands, "alert", "price alerts"), network_flags(common)
    add = add_verb(
        verbs,
        "add",
        [network],
        "create a price alert",
        example="alert add --account-id 1 --symbol BTC/USDT:USDT --condition above --price 70000",
        run=lazy_command("market.alerts", "add"),
    )
    show = add_verb(
        verbs,
        "list",
        [network],
        "list the price alerts that have not fired",
        example="alert list --account-id 1",
        run=lazy_command("market.alerts", "show"),
    )
    remove = add_verb(
        verbs,
        "remove",
        [network],
        "delete a price alert",
        example="alert remove --account-id 1 --id 3",
        run=lazy_command("market.alerts", "remove"),
    )
    for verb in (add, show, remove):
        add_account_id(verb)
    add.add_argument("--symbol", required=True, help="as BTC/USDT:USDT")
    add.add_argument("--condition", required=True, choices=CONDITIONS, help=", ".join(CONDITIONS))
    add.add_argument("--price", required=True, help="the level")
    add.add_argument("--note", help="text of the event, up to 255 characters")
    remove.add_argument("--id", type=int, required=True, help="id of the alert")
