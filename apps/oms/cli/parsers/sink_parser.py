"""Parser of ``oms sink``."""

import argparse
from typing import Any

from oms.cli.flags import add_group, add_secret, add_verb, lazy_command, network_flags

#: A test compares them with ``domain.notifications``.
KINDS = ("webhook", "apprise")
DELIVERY_STATUSES = ("queued", "delivered", "dead")


def add_sinks(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the commands on receivers of notifications."""
    verbs, network = add_group(commands, "sink", "notifications"), network_flags(common)
    add = add_verb(
        verbs,
        "add",
        [network],
        "create a receiver of messages",
        example="sink add --name ops --url-file hook.txt --secret-file secret.txt",
        run=lazy_command("market.sinks", "add"),
    )
    add.add_argument("--name", required=True, help="unique, up to 64 characters")
    add.add_argument("--kind", default="webhook", choices=KINDS, help="default webhook")
    add_secret(add, "url", "where messages go")
    add_secret(add, "secret", "signs the messages of a webhook")
    add.add_argument("--events", nargs="+", help="names of events; default: the default ones")
    add.add_argument("--account-ids", type=int, nargs="+", help="default: all accounts")
    add.add_argument("--min-interval-seconds", type=int, default=0, help="between messages (0)")
    add_verb(
        verbs,
        "list",
        [network],
        "list the receivers and what waits for them",
        example="sink list",
        run=lazy_command("market.sinks", "show"),
    )
    for name, text in (
        ("enable", "send messages of events from now on"),
        ("disable", "send no messages"),
        ("test", "queue a test message"),
    ):
        verb = add_verb(
            verbs,
            name,
            [network],
            text,
            example=f"sink {name} --id 1",
            run=lazy_command("market.sinks", name),
        )
        verb.add_argument("--id", type=int, required=True, help="id of the sink")
    _add_deliveries(verbs, network)


def _add_deliveries(verbs: Any, network: argparse.ArgumentParser) -> None:
    deliveries = add_verb(
        verbs,
        "deliveries",
        [network],
        "list messages and what became of them",
        example="sink deliveries --status dead",
        run=lazy_command("market.sinks", "deliveries"),
    )
    deliveries.add_argument("--id", type=int, help="only of this sink")
    deliveries.add_argument("--status", choices=DELIVERY_STATUSES, help="only with this status")
    deliveries.add_argument("--limit", type=int, default=100, help="at most so many (100)")
    redeliver = add_verb(
        verbs,
        "redeliver",
        [network],
        "queue a message again",
        example="sink redeliver --delivery-id 7",
        run=lazy_command("market.sinks", "redeliver"),
    )
    redeliver.add_argument("--delivery-id", type=int, required=True, help="id of the delivery")
