"""Parser of ``oms bot``."""

import argparse
from typing import Any

from oms.cli.flags import add_group, add_verb, lazy_command, network_flags

#: A test compares them with the domain's.
MODES = ("trade", "observe")
SIZINGS = ("qty", "notional", "pct_equity", "position_pct", "risk_pct")
TIMEFRAMES = ("1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w", "1M")
EVENT_KINDS = ("decision", "status", "failure", "heartbeat_gap", "flatten")


def add_bots(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the commands on bots."""
    verbs, network = add_group(commands, "bot", "bots"), network_flags(common)
    _add_create(verbs, network)
    add_verb(
        verbs,
        "list",
        [network],
        "list bots and what they do",
        example="bot list",
        run=lazy_command("research.bots", "show_all"),
    )
    add_verb(
        verbs,
        "figures",
        [network],
        "show results of today, errors, the last signal and balances of bots",
        example="bot figures",
        run=lazy_command("research.bots", "show_figures"),
    )
    for name, text in (
        ("show", "show a bot"),
        ("start", "let a bot run"),
        ("delete", "delete a bot that is stopped, with its history"),
    ):
        verb = add_verb(
            verbs,
            name,
            [network],
            text,
            example=f"bot {name} --id 1",
            run=lazy_command("research.bots", name),
        )
        verb.add_argument("--id", type=int, required=True, help="id of the bot")
        verb.set_defaults(wait_ms=0)  # What is wanted is stored; "show" says what is.
    _add_restart(verbs, network)
    stop = add_verb(
        verbs,
        "stop",
        [network],
        "stop a bot",
        example="bot stop --id 1 --flatten",
        run=lazy_command("research.bots", "stop"),
    )
    stop.add_argument("--id", type=int, required=True, help="id of the bot")
    stop.set_defaults(wait_ms=0)
    stop.add_argument("--flatten", action="store_true", help="close its positions before")
    logs = add_verb(
        verbs,
        "logs",
        [network],
        "show the history of a bot, the newest first",
        example="bot logs --id 1 --kind decision",
        run=lazy_command("research.bots", "logs"),
    )
    logs.add_argument("--id", type=int, required=True, help="id of the bot")
    logs.add_argument("--kind", choices=EVENT_KINDS, help="only rows of this kind")
    logs.add_argument("--before-id", type=int, help="only older ones than this row")
    logs.add_argument("--limit", type=int, default=100, help="at most so many (100)")


def _add_restart(verbs: Any, network: argparse.ArgumentParser) -> None:
    restart = add_verb(
        verbs,
        "restart",
        [network],
        "restart a bot, with other parameters",
        example="bot restart --id 1 --param fast=10",
        run=lazy_command("research.bots", "restart"),
    )
    restart.add_argument("--id", type=int, required=True, help="id of the bot")
    restart.set_defaults(wait_ms=0)
    restart.add_argument(
        "--param",
        action="append",
        metavar="NAME=VALUE",
        help="of the strategy; those that are not named get their defaults",
    )
    restart.add_argument(
        "--sizing", nargs=2, metavar=("KIND", "VALUE"), help=f"of entries: {', '.join(SIZINGS)}"
    )
    restart.add_argument("--mode", choices=MODES, help="observe sends nothing")


def _add_create(verbs: Any, network: argparse.ArgumentParser) -> None:
    create = add_verb(
        verbs,
        "create",
        [network],
        "create a bot, which is not started",
        example="bot create --name cross --strategy sma_cross --param fast=10 --account-id 1"
        " --strategy-id 1 --symbols BTC/USDT --timeframe 1h --sizing position_pct 10",
        run=lazy_command("research.bots", "create"),
    )
    create.add_argument("--name", required=True, help="unique, up to 64 characters")
    create.add_argument("--strategy", required=True, help="a name of the catalogue")
    create.add_argument("--version", help="of the strategy; default: the present one")
    create.add_argument(
        "--param", action="append", default=[], metavar="NAME=VALUE", help="of the strategy"
    )
    create.add_argument("--account-id", type=int, required=True, help="account that it trades")
    create.add_argument("--strategy-id", type=int, required=True, help="strategy of its orders")
    create.add_argument("--symbols", nargs="+", required=True, help="symbols of the account")
    create.add_argument("--timeframe", required=True, choices=TIMEFRAMES, help="of its candles")
    create.add_argument("--exchange", help="whose candles; default: the venue of the account")
    create.add_argument(
        "--sizing",
        nargs=2,
        required=True,
        metavar=("KIND", "VALUE"),
        help=f"of entries: {', '.join(SIZINGS)}",
    )
    create.add_argument("--mode", choices=MODES, help="observe sends nothing (trade)")
    create.add_argument("--allow-short", action="store_true", help="also short positions")
    create.add_argument("--max-lag-seconds", type=int, help="of entries; default: one candle")
    create.add_argument("--stop-loss-pct", help="percent from the entry price")
    create.add_argument("--take-profit-pct", help="percent from the entry price")
    create.add_argument("--stop-trailing-pct", help="percent from the best price since the entry")
