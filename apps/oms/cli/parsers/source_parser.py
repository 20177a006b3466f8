"""Parser of ``oms source``."""

import argparse
from typing import Any

from oms.cli.flags import add_group, add_secret, add_verb, lazy_command, network_flags

#: A test compares them with ``domain.signals``.
KINDS = ("bounce", "trade", "tradingview")
SIZINGS = ("qty", "notional", "pct_equity", "position_pct", "risk_pct")


def add_sources(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the commands on sources of signals."""
    verbs, network = add_group(commands, "source", "sources of signals"), network_flags(common)
    _add_creation(verbs, network)
    add_verb(
        verbs,
        "list",
        [network],
        "list the sources and what became of their signals",
        example="source list",
        run=lazy_command("market.sources", "show"),
    )
    for name, text in (
        ("rotate", "make a new path token and secret; the old ones count a while longer"),
        ("enable", "accept signals"),
        ("disable", "refuse signals"),
        ("test", "show what the source makes of a body; nothing is stored"),
    ):
        body = " --body-file alert.json" if name == "test" else ""
        verb = add_verb(
            verbs,
            name,
            [network],
            text,
            example=f"source {name} --id 1{body}",
            run=lazy_command("market.sources", name),
        )
        verb.add_argument("--id", type=int, required=True, help="id of the source")
        if name == "rotate":
            verb.add_argument(
                "--keep-seconds", type=int, default=3600, help="how long the old ones count (3600)"
            )
        if name == "test":
            add_secret(verb, "body", "JSON object of a signal")


def _add_creation(verbs: Any, network: argparse.ArgumentParser) -> None:
    add = add_verb(
        verbs,
        "add",
        [network],
        "create a source; its path token and secret are printed once",
        example="source add --name alerts --kind tradingview --account-id 1 --sizing qty 0.01",
        run=lazy_command("market.sources", "add"),
    )
    add.add_argument("--name", required=True, help="unique, up to 64 characters")
    add.add_argument("--kind", required=True, choices=KINDS, help="form of its messages")
    targets = add.add_mutually_exclusive_group(required=True)
    targets.add_argument("--account-id", type=int, help="where its orders go")
    targets.add_argument("--account-group-id", type=int, help="or to each account of a group")
    add.add_argument("--strategy-id", type=int, default=0, help="strategy of its orders (0: none)")
    add.add_argument(
        "--sizing",
        nargs=2,
        metavar=("KIND", "VALUE"),
        help=f"{', '.join(SIZINGS)}, and how much; default qty 1",
    )
    add.add_argument("--generate-secret", action="store_true", help="a secret besides the token")
    add.add_argument("--api-key-ids", type=int, nargs="+", help="API keys that may post to it")
    add.add_argument("--tp-pct", help="take profit in percent, if a signal has none")
    add.add_argument("--sl-pct", help="stop loss in percent, if a signal has none")
    add.add_argument("--reverse", action="store_true", help="a larger opposite signal turns around")
    add.add_argument("--pyramiding-max", type=int, help="open entries at most (0: any number)")
