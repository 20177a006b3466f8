"""Parser of the network commands."""

import argparse
from typing import Any

from oms.cli.flags import lazy_command, network_flags

SCOPES = ("short", "hourly", "long", "period")
FRESHNESS = ("fresh", "stale", "never")


def add_remote(commands: Any, json: argparse.ArgumentParser) -> None:
    """Add all network commands except those of ``paper``."""
    network = network_flags(json)
    _add_orders(commands, network)
    _add_positions(commands, network)
    _add_strategies(commands, network)
    _add_reconcile(commands, network)
    _add_reads(commands, network)


def _add_orders(commands: Any, network: argparse.ArgumentParser) -> None:
    send = commands.add_parser("send-order", parents=[network], help="place an order")
    for flag in ("symbol", "side", "order-type", "qty"):
        send.add_argument(f"--{flag}", required=True)
    send.add_argument("--account-id", type=int, required=True)
    for flag in ("price", "client-order-id", "stop-loss", "stop-gain", "comment"):
        send.add_argument(f"--{flag}")
    send.add_argument("--strategy-id", type=int, default=0)
    send.add_argument("--position-id", type=int, default=0)
    send.add_argument("--reduce-only", action="store_true")
    send.add_argument("--wait-ms", type=int)
    send.set_defaults(run=lazy_command("network", "send_order"))

    change = commands.add_parser("change-order", parents=[network], help="new price or quantity")
    cancel = commands.add_parser("cancel-order", parents=[network], help="cancel an order")
    for command in (change, cancel):
        command.add_argument("--account-id", type=int, required=True)
        command.add_argument("--order-id", type=int, required=True)
        command.add_argument("--comment")
    change.add_argument("--new-price")
    change.add_argument("--new-qty")
    change.set_defaults(run=lazy_command("network", "change_order"))
    cancel.set_defaults(run=lazy_command("network", "cancel_order"))


def _add_positions(commands: Any, network: argparse.ArgumentParser) -> None:
    close = commands.add_parser("close-position", parents=[network], help="close a position")
    close.add_argument("--position-id", type=int, required=True)
    close.add_argument("--order-type", default="market")
    close.add_argument("--price")
    close.set_defaults(run=lazy_command("network", "close_position"))
    by = commands.add_parser("close-by", parents=[network], help="close one by its opposite")
    by.add_argument("--position-id-a", type=int, required=True)
    by.add_argument("--position-id-b", type=int, required=True)
    by.set_defaults(run=lazy_command("network", "close_by"))
    for command in (close, by):
        command.add_argument("--account-id", type=int, required=True)
        command.add_argument("--qty")
        command.add_argument("--strategy-id", type=int, default=0)
        command.add_argument("--comment")


def _add_strategies(commands: Any, network: argparse.ArgumentParser) -> None:
    move = commands.add_parser(
        "reassign-position", parents=[network], help="orders, and what is theirs, to a strategy"
    )
    move.add_argument("--account-id", type=int, required=True)
    move.add_argument("--deal-ids", type=int, nargs="*", default=[], metavar="ID")
    move.add_argument("--order-ids", type=int, nargs="*", default=[], metavar="ID")
    move.add_argument("--target-strategy-id", type=int, default=0)
    move.add_argument("--target-position-id", type=int, default=0)
    move.add_argument("--comment")
    move.set_defaults(run=lazy_command("network", "reassign_position"))

    create = commands.add_parser("create-strategy", parents=[network], help="a strategy")
    create.add_argument("--name", required=True)
    create.add_argument("--account-ids", type=int, nargs="+", required=True, metavar="ID")
    create.add_argument("--client-strategy-id", type=int)
    create.set_defaults(run=lazy_command("network", "create_strategy"))


def _add_reconcile(commands: Any, network: argparse.ArgumentParser) -> None:
    reconcile = commands.add_parser(
        "reconcile", parents=[network], help="compare with the exchange"
    )
    reconcile.add_argument("--account-id", type=int)
    reconcile.add_argument("--account-ids", type=int, nargs="*", default=[], metavar="ID")
    reconcile.add_argument("--scope", default="short", choices=SCOPES)
    reconcile.add_argument("--start-date")
    reconcile.add_argument("--end-date")
    reconcile.add_argument("--symbols-hint", nargs="*", default=[], metavar="SYMBOL")
    reconcile.add_argument("--comment", help="required with a key of role risk")
    reconcile.set_defaults(run=lazy_command("network", "reconcile"))

    status = commands.add_parser(
        "reconcile-status", parents=[network], help="how long ago accounts were compared"
    )
    status.add_argument("--account-id", type=int, help="else all that the key reads")
    status.add_argument("--status", choices=FRESHNESS)
    status.add_argument("--stale-after-seconds", type=int, default=120)
    status.set_defaults(run=lazy_command("network", "reconcile_status"))


def _add_reads(commands: Any, network: argparse.ArgumentParser) -> None:
    for name in ("orders-open", "positions-open"):
        read = commands.add_parser(name, parents=[network], help=name.replace("-", ", "))
        read.add_argument("--account-ids", required=True)
        read.add_argument("--strategy-id", type=int)
        read.add_argument("--limit", type=int, default=500)
        read.set_defaults(run=lazy_command("network", "read_open"))
    for name in ("orders-history", "deals", "positions-history"):
        read = commands.add_parser(name, parents=[network], help="rows of a time window")
        read.add_argument("--account-ids", required=True)
        read.add_argument("--strategy-id", type=int)
        read.add_argument("--start-date")
        read.add_argument("--end-date")
        read.add_argument("--days-back", type=int, default=1)
        read.add_argument("--page", type=int, default=1)
        read.add_argument("--page-size", type=int, default=100)
        read.set_defaults(run=lazy_command("network", "read_history"))
    for name, path in (
        ("healthz", "/healthz"),
        ("dispatcher-status", "/dispatcher/status"),
        ("list-accounts", "/oms/accounts"),
        ("list-strategies", "/strategies"),
    ):
        read = commands.add_parser(name, parents=[network], help=f"GET {path}")
        read.set_defaults(run=lazy_command("network", "read_plain"), path=path)
