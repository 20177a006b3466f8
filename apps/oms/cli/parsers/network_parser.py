"""Parser of the network commands."""

import argparse
from typing import Any

from oms.cli.flags import add_account_id, add_verb, lazy_command, network_flags
from oms.cli.parsers.figures_parser import add_figures
from oms.cli.parsers.order_parser import add_order_filters, add_single_orders
from oms.cli.parsers.position_parser import (
    ORDER_TYPES,
    add_levels,
    add_positions,
    add_single_levels,
    seconds_or_none,
)

SCOPES = ("short", "hourly", "long", "period")
FRESHNESS = ("fresh", "stale", "never")
SIDES = ("buy", "sell")
_COMMENT = "stored with the command"
_COMMAND_VIEW = lazy_command("terminal.command_results", "build_results_view")
_ROWS_VIEW = lazy_command("terminal.row_tables", "build_rows_view")


def add_remote(commands: Any, json: argparse.ArgumentParser) -> None:
    """Add all network commands except those of ``paper`` and ``kill``."""
    network = network_flags(json)
    _add_send(commands, network)
    _add_orders(commands, network)
    add_positions(commands, network)
    _add_strategies(commands, network)
    _add_reconcile(commands, network)
    _add_open_reads(commands, network)
    _add_histories(commands, network)
    _add_plain_reads(commands, network)
    _add_market(commands, network)
    _add_watch(commands, network)
    add_single_orders(commands, network)
    add_figures(commands, network)


def _add_send(commands: Any, network: argparse.ArgumentParser) -> None:
    send = add_verb(
        commands,
        "send-order",
        [network],
        "place an order and wait for its result",
        example="send-order --account-id 1 --symbol BTC/USDT:USDT --side buy"
        " --order-type market --qty 0.01",
        run=lazy_command("network", "send_order"),
    )
    send.set_defaults(view=_COMMAND_VIEW)
    target = send.add_mutually_exclusive_group(required=True)
    target.add_argument("--account-id", type=int, help="id of the account")
    target.add_argument("--group-id", type=int, help="a group of accounts in place of one")
    preview = add_verb(
        commands,
        "preview",
        [network],
        "show what an order would cost and leave, and what limits say, without sending it",
        example="preview --account-id 1 --symbol BTC/USDT:USDT --side buy"
        " --order-type market --qty 0.01",
        run=lazy_command("network", "preview"),
    )
    add_account_id(preview)
    for verb in (send, preview):
        _add_order_flags(verb)


def _add_order_flags(send: argparse.ArgumentParser) -> None:
    """Add the flags of an order."""
    send.add_argument("--symbol", required=True, help="as BTC/USDT, or BTC/USDT:USDT (contract)")
    send.add_argument("--side", required=True, type=str.lower, choices=SIDES, help="buy or sell")
    send.add_argument(
        "--order-type",
        required=True,
        type=str.lower,
        choices=ORDER_TYPES,
        metavar="TYPE",
        help=", ".join(ORDER_TYPES),
    )
    send.add_argument("--qty", required=True, help="quantity in base currency")
    send.add_argument("--price", help="limit price, of types with one")
    send.add_argument("--client-order-id", help="own id; the same id is executed once")
    kinds = ("GTC", "IOC", "FOK", "GTD", "PO")
    send.add_argument("--time-in-force", choices=kinds, help="how long it stands (GTC)")
    send.add_argument("--expires-at", help="when a GTD order expires (RFC 3339)")
    policies = ("queue_until_open",)
    send.add_argument("--session-policy", choices=policies, help="of a stock: wait for the open")
    add_levels(send, hold_type=int)
    send.add_argument("--bracket-take-profit", help="exit with a gain: a price, or percent as 5%%")
    send.add_argument("--bracket-stop-loss", help="exit with a loss: a price, or percent as 5%%")
    send.add_argument("--bracket-stop-limit", help="limit of that exit, where it may have one")
    send.add_argument("--comment", help=_COMMENT)
    send.add_argument("--strategy-id", type=int, default=0, help="default 0: none")
    send.add_argument("--position-id", type=int, default=0, help="the position that it changes")
    send.add_argument("--reduce-only", action="store_true", help="only reduce a position")
    send.add_argument(
        "--wait-ms", type=int, help="how long to wait for the result; 0: only until it is stored"
    )


def _add_pair(commands: Any, network: argparse.ArgumentParser) -> None:
    pair = add_verb(
        commands,
        "send-oco",
        [network],
        "place a limit order and a stop of which one cancels the other",
        example="send-oco --account-id 1 --symbol BTC/USDT:USDT --side sell --qty 0.01"
        " --limit-price 70000 --trigger-price 50000",
        run=lazy_command("network", "send_oco"),
    )
    add_account_id(pair)
    pair.add_argument("--symbol", required=True, help="the instrument")
    pair.add_argument("--side", required=True, choices=("buy", "sell"), help="of both orders")
    pair.add_argument("--qty", required=True, help="quantity of each in base currency")
    pair.add_argument("--limit-price", required=True, help="price of the limit order")
    pair.add_argument("--trigger-price", required=True, help="trigger of the stop")
    pair.add_argument("--stop-limit-price", help="limit of the stop; default at the market")
    pair.add_argument("--position-id", type=int, default=0, help="the position that they close")
    pair.add_argument("--strategy-id", type=int, default=0, help="default 0: none")
    pair.add_argument("--client-order-id", help="own id of the limit order")
    pair.add_argument("--opens", action="store_true", help="not only reduce a position")
    pair.add_argument("--comment", help=_COMMENT)
    pair.set_defaults(view=_COMMAND_VIEW)


def _add_orders(commands: Any, network: argparse.ArgumentParser) -> None:
    _add_pair(commands, network)
    change = add_verb(
        commands,
        "change-order",
        [network],
        "give an order new terms, or new stop levels (none clears one)",
        example="change-order --account-id 1 --order-id 17 --new-price 59000",
        run=lazy_command("network", "change_order"),
    )
    change.add_argument("--new-price", help="the new limit price")
    change.add_argument("--new-qty", help="the new total quantity")
    change.add_argument("--new-trigger-price", help="the new trigger price")
    change.add_argument("--new-trailing-amount", help="the new distance of a trailing stop")
    change.add_argument("--new-trailing-percent", help="the same in percent")
    change.add_argument("--new-time-in-force", choices=("GTC", "GTD", "IOC", "FOK"), help="the new")
    change.add_argument("--new-expires-at", help="when it expires (RFC 3339); makes it GTD")
    add_single_levels(change, hold_type=seconds_or_none)
    cancel = add_verb(
        commands,
        "cancel-order",
        [network],
        "cancel an order",
        example="cancel-order --account-id 1 --order-id 17",
        run=lazy_command("network", "cancel_order"),
    )
    for command in (change, cancel):
        add_account_id(command)
        command.add_argument("--order-id", type=int, required=True, help="id of the order")
    cancel_all = add_verb(
        commands,
        "cancel-all",
        [network],
        "cancel all open orders of an account",
        example="cancel-all --account-id 1 --symbol BTC/USDT:USDT",
        run=lazy_command("network", "cancel_all"),
    )
    add_account_id(cancel_all)
    cancel_all.add_argument("--symbol", help="only orders of this one")
    cancel_all.add_argument(
        "--strategy-ids", type=int, nargs="+", metavar="ID", help="only orders of these"
    )
    for command in (change, cancel, cancel_all):
        command.add_argument("--comment", help=_COMMENT)
        command.set_defaults(view=_COMMAND_VIEW)


def _add_strategies(commands: Any, network: argparse.ArgumentParser) -> None:
    move = add_verb(
        commands,
        "reassign-position",
        [network],
        "move orders, with their deals and positions, to a strategy",
        example="reassign-position --account-id 1 --order-ids 17 18 --target-strategy-id 3",
        run=lazy_command("network", "reassign_position"),
    )
    add_account_id(move)
    for name in ("deal", "order"):
        move.add_argument(
            f"--{name}-ids", type=int, nargs="*", default=[], metavar="ID", help=f"{name}s to move"
        )
    move.add_argument("--target-strategy-id", type=int, default=0, help="default 0: none")
    move.add_argument("--target-position-id", type=int, default=0, help="default 0: a new one")
    move.add_argument("--comment", help="why, for the audit log")

    create = add_verb(
        commands,
        "create-strategy",
        [network],
        "create a strategy on accounts",
        example="create-strategy --name trend --account-ids 1 2",
        run=lazy_command("network", "create_strategy"),
    )
    create.add_argument("--name", required=True, help="unique name")
    create.add_argument(
        "--account-ids", type=int, nargs="+", required=True, metavar="ID", help="its accounts"
    )
    create.add_argument("--client-strategy-id", type=int, help="your own number of it")


def _add_reconcile(commands: Any, network: argparse.ArgumentParser) -> None:
    reconcile = add_verb(
        commands,
        "reconcile",
        [network],
        "compare accounts with their exchange",
        example="reconcile --account-id 3 --scope hourly",
        run=lazy_command("network", "reconcile"),
    )
    reconcile.add_argument("--account-id", type=int, help="one account")
    reconcile.add_argument(
        "--account-ids", type=int, nargs="*", default=[], metavar="ID", help="or several"
    )
    reconcile.add_argument("--scope", default="short", choices=SCOPES, help="how far back (short)")
    reconcile.add_argument("--start-date", help="first day of scope period, YYYY-MM-DD")
    reconcile.add_argument("--end-date", help="its last day, YYYY-MM-DD")
    reconcile.add_argument(
        "--symbols-hint", nargs="*", default=[], metavar="SYMBOL", help="symbols to ask for too"
    )
    reconcile.add_argument("--comment", help="required with a key of role risk")

    status = add_verb(
        commands,
        "reconcile-status",
        [network],
        "show how long ago accounts were compared",
        example="reconcile-status --status stale",
        run=lazy_command("network", "reconcile_status"),
    )
    status.add_argument("--account-id", type=int, help="else all that the key reads")
    status.add_argument("--status", choices=FRESHNESS, help="only accounts with this status")
    status.add_argument(
        "--stale-after-seconds", type=int, default=120, help="when a pass is stale (120)"
    )


def _add_open_reads(commands: Any, network: argparse.ArgumentParser) -> None:
    for name in ("orders-open", "positions-open"):
        read = add_verb(
            commands,
            name,
            [network],
            f"list open {name.partition('-')[0]}",
            example=f"{name} --account-ids 1,2",
            run=lazy_command("network", "read_open"),
        )
        _add_row_flags(read)
        if name == "orders-open":
            add_order_filters(read)
        read.add_argument("--limit", type=int, default=500, help="at most so many rows (500)")


def _add_histories(commands: Any, network: argparse.ArgumentParser) -> None:
    for name, text in (
        ("orders-history", "list orders of a range of days"),
        ("deals", "list deals of a range of days"),
        ("positions-history", "list positions of a range of days, closed ones too"),
    ):
        read = add_verb(
            commands,
            name,
            [network],
            text,
            example=f"{name} --days-back 7",
            run=lazy_command("network", "read_history"),
        )
        _add_row_flags(read)
        if name == "orders-history":
            add_order_filters(read)
        read.add_argument("--start-date", help="first day, YYYY-MM-DD, UTC")
        read.add_argument("--end-date", help="last day, default today")
        read.add_argument(
            "--days-back", type=int, default=1, help="days before today, without --start-date (1)"
        )
        read.add_argument("--page", type=int, default=1, help="number of the page (1)")
        read.add_argument("--page-size", type=int, default=100, help="rows of a page (100)")


def _add_row_flags(read: argparse.ArgumentParser) -> None:
    read.add_argument("--account-ids", metavar="CSV", help="default: all that the key may read")
    read.add_argument("--strategy-id", type=int, help="only of this strategy; 0: of none")
    _add_wide(read)


def _add_wide(read: argparse.ArgumentParser) -> None:
    read.add_argument("--wide", action="store_true", help="all columns, on a terminal")
    read.set_defaults(view=_ROWS_VIEW)


def _add_plain_reads(commands: Any, network: argparse.ArgumentParser) -> None:
    add_verb(
        commands,
        "health",
        [network],
        "what the gateway may do, and how each of its parts measures",
        example="health",
        run=lazy_command("network", "health"),
    )
    for name, path, text in (
        ("healthz", "/healthz", "whether the server answers; needs no key"),
        ("dispatcher-status", "/dispatcher/status", "queues and workers of the server"),
        ("list-accounts", "/oms/accounts", "list the accounts that the key may read"),
        ("list-strategies", "/strategies", "list strategies"),
    ):
        read = add_verb(
            commands, name, [network], text, example=name, run=lazy_command("network", "read_plain")
        )
        read.set_defaults(path=path)
        if name == "list-accounts":
            _add_wide(read)


def _add_market(commands: Any, network: argparse.ArgumentParser) -> None:
    balance = add_verb(
        commands,
        "balance",
        [network],
        "show balances at the exchange, free, used and total",
        example="balance --account-ids 1,2",
        run=lazy_command("terminal.market", "balance"),
    )
    balance.add_argument("--account-ids", metavar="CSV", help="default: all that the key may read")
    ticker = add_verb(
        commands,
        "ticker",
        [network],
        "show the current prices of a symbol",
        example="ticker --symbol BTC/USDT",
        run=lazy_command("terminal.market", "ticker"),
    )
    ticker.add_argument("--symbol", required=True, help="as BTC/USDT, or BTC/USDT:USDT (contract)")
    ticker.add_argument(
        "--account-id", type=int, help="whose exchange; default: the first that the key may read"
    )
    ticker.set_defaults(view=lazy_command("terminal.market", "build_ticker_view"))


def _add_watch(commands: Any, network: argparse.ArgumentParser) -> None:
    watch = add_verb(
        commands,
        "watch",
        [network],
        "show open orders, positions and deals live, until Ctrl-C",
        example="watch --account-ids 1",
        run=lazy_command("terminal.watch", "watch"),
    )
    watch.add_argument("--account-ids", metavar="CSV", help="default: all that the key may read")
