"""Commands about single orders and groups of accounts, and filters of lists of orders."""

import argparse
from typing import Any

from oms.cli.flags import add_verb, lazy_command


def add_single_orders(commands: Any, network: argparse.ArgumentParser) -> None:
    """Add the commands about single orders."""
    _add_lineage(commands, network)
    _add_groups(commands, network)


def add_order_filters(read: argparse.ArgumentParser) -> None:
    """Add the filters of lists of orders."""
    read.add_argument("--symbol", help="only of this symbol")
    read.add_argument("--status", help="only of these, as rejected or filled,cancelled")
    read.add_argument("--reason", help="only those sent for this reason, as sl")
    for name in ("signal", "source", "group"):
        read.add_argument(f"--{name}-id", type=int, help=f"only those of this {name}")


def _add_lineage(commands: Any, network: argparse.ArgumentParser) -> None:
    read = add_verb(
        commands,
        "order-lineage",
        [network],
        "show where an order came from and what it led to",
        example="order-lineage --order-id 7",
        run=lazy_command("network", "order_lineage"),
    )
    read.add_argument("--order-id", type=int, required=True, help="id of the order")


def _add_groups(commands: Any, network: argparse.ArgumentParser) -> None:
    groups = add_verb(
        commands,
        "account-groups",
        [network],
        "list groups of accounts; create or delete one",
        example="account-groups --name both --members 1=1 2=0.5",
        run=lazy_command("network", "account_groups"),
    )
    groups.add_argument("--name", help="create a group with this name")
    groups.add_argument(
        "--members", nargs="+", metavar="ACCOUNT=NUMBER", help="its accounts with their ratios"
    )
    groups.add_argument(
        "--by-equity", action="store_true", help="the numbers are weights of equity, not ratios"
    )
    groups.add_argument("--delete", type=int, metavar="ID", help="delete this group")
