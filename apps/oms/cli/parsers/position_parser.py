"""Parser of the commands on positions, and the flags of their stop levels."""

import argparse
from collections.abc import Callable
from typing import Any

from oms.cli.flags import add_account_id, add_verb, lazy_command

#: Order types with their other names; a test compares them with ``domain.orders.order_types``.
ORDER_TYPES = (
    *("market", "limit", "stop_market", "stop", "stop_loss", "stop_limit"),
    *("take_profit_market", "take_profit", "take_profit_limit", "trailing_stop"),
)
_COMMENT = "stored with the command"
_COMMAND_VIEW = lazy_command("terminal.command_results", "build_results_view")


def add_positions(commands: Any, network: argparse.ArgumentParser) -> None:
    """Add the commands that change or close positions."""
    close = _add_close(commands, network)
    _add_change(commands, network)
    _add_shortcuts(commands, network)
    by = add_verb(
        commands,
        "close-by",
        [network],
        "close two opposite positions of one symbol by each other",
        example="close-by --account-id 1 --position-id-a 5 --position-id-b 6",
        run=lazy_command("network", "close_by"),
    )
    by.add_argument("--position-id-a", type=int, required=True, help="one of the two")
    by.add_argument("--position-id-b", type=int, required=True, help="the other one")
    for command in (close, by):
        add_account_id(command)
        command.add_argument("--qty", help="how much of it; default all")
        command.add_argument("--strategy-id", type=int, default=0, help="default 0: none")
        command.add_argument("--comment", help=_COMMENT)
        command.set_defaults(view=_COMMAND_VIEW)


def _add_close(commands: Any, network: argparse.ArgumentParser) -> argparse.ArgumentParser:
    close = add_verb(
        commands,
        "close-position",
        [network],
        "close a position, or a part of it",
        example="close-position --account-id 1 --position-id 5",
        run=lazy_command("network", "close_position"),
    )
    close.add_argument("--position-id", type=int, required=True, help="id of the position")
    close.add_argument(
        "--order-type",
        default="market",
        type=str.lower,
        choices=ORDER_TYPES,
        metavar="TYPE",
        help="as of send-order (market)",
    )
    close.add_argument("--price", help="limit price, of types with one")
    close.add_argument("--qty-pct", help="percent of it, in place of --qty")
    return close


def _add_change(commands: Any, network: argparse.ArgumentParser) -> None:
    change = add_verb(
        commands,
        "change-position",
        [network],
        "change the stop levels of a position; the word none clears one",
        example="change-position --account-id 1 --position-id 5 --stop-loss 59000 --stop-gain none",
        run=lazy_command("network", "change_position"),
    )
    add_account_id(change)
    change.add_argument("--position-id", type=int, required=True, help="id of the position")
    add_levels(change, hold_type=seconds_or_none)
    change.add_argument("--comment", help=_COMMENT)
    change.set_defaults(view=_COMMAND_VIEW)


def _add_shortcuts(commands: Any, network: argparse.ArgumentParser) -> None:
    even = add_verb(
        commands,
        "break-even",
        [network],
        "move the stop loss of a position to where closing it loses nothing",
        example="break-even --account-id 1 --position-id 5",
        run=lazy_command("network", "break_even"),
    )
    reverse = add_verb(
        commands,
        "reverse-position",
        [network],
        "close a position, then open the same quantity on the other side",
        example="reverse-position --account-id 1 --position-id 5",
        run=lazy_command("network", "reverse_position"),
    )
    for command in (even, reverse):
        add_account_id(command)
        command.add_argument("--position-id", type=int, required=True, help="id of the position")
        command.add_argument("--comment", help=_COMMENT)
        command.set_defaults(view=_COMMAND_VIEW)


def add_levels(command: argparse.ArgumentParser, hold_type: Callable[[str], Any]) -> None:
    """Add the flags of the stop levels of a position."""
    add_single_levels(command, hold_type)
    command.add_argument(
        "--target",
        dest="targets",
        action="append",
        type=_target,
        metavar="PRICE:QTY_PCT",
        help="one of up to 5 take-profit levels and its share in percent, as 65000:50 or 5%%:50",
    )
    command.add_argument(
        "--stop-trailing-from-target", type=hold_type, help="trail once so many were reached"
    )
    command.add_argument("--tp-sl-base-price", help="price that percentages count from")


def add_single_levels(command: argparse.ArgumentParser, hold_type: Callable[[str], Any]) -> None:
    """Add the flags of the levels that an order may change."""
    command.add_argument("--stop-loss", help="price that closes the position at a loss")
    command.add_argument("--stop-gain", help="price that closes it at a gain")
    command.add_argument("--stop-loss-pct", help="the same in percent of its average price")
    command.add_argument("--stop-gain-pct", help="the same in percent of its average price")
    command.add_argument("--stop-trailing-pct", help="distance from the best price, in percent")
    command.add_argument("--stop-trailing-amount", help="the same as a price difference")
    command.add_argument(
        "--stop-trailing-activation-pct", help="profit in percent from which it trails"
    )
    command.add_argument(
        "--max-hold-seconds", type=hold_type, help="close it after this many seconds"
    )


def _target(text: str) -> dict[str, str] | str:
    level, _, share = text.partition(":")
    if text == "none":
        return text
    if not share:
        raise argparse.ArgumentTypeError(f"{text!r}: a level and a share are expected, as 5%:50")
    name, level = ("pct", level[:-1]) if level.endswith("%") else ("price", level)
    return {name: level, "qty_pct": share}


def seconds_or_none(text: str) -> int | str:
    """Return a number of seconds, or the word none."""
    return text if text == "none" else int(text)
