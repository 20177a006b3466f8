"""Parser of ``oms strategy``."""

import argparse
from typing import Any

from oms.cli.flags import add_group, add_verb, lazy_command, network_flags
from oms.cli.parsers.backtest_parser import TIMEFRAMES


def add_strategies(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the commands on strategies."""
    verbs = add_group(commands, "strategy", "rules that backtests and bots run")
    network = network_flags(common)
    add_verb(
        verbs,
        "list",
        [network],
        "list the strategies of a gateway, and what could not be loaded",
        example="strategy list",
        run=lazy_command("research.strategies", "show"),
    )
    add_verb(
        verbs,
        "reload",
        [network],
        "let the runner load the code of strategies again",
        example="strategy reload",
        run=lazy_command("research.strategies", "reload"),
    )
    check = add_verb(
        verbs,
        "check",
        [common],
        "check whether a strategy decides with candles that it cannot know yet",
        example="strategy check sma_cross --csv btc.csv --timeframe 1h",
        run=lazy_command("research.strategies", "check"),
    )
    check.add_argument("name", metavar="NAME", help="name of the strategy")
    source = check.add_mutually_exclusive_group(required=True)
    source.add_argument("--csv", metavar="FILE", help="candles of a file")
    source.add_argument("--exchange", help="stored candles of --symbol at this exchange")
    check.add_argument("--timeframe", required=True, choices=TIMEFRAMES, help="of the candles")
    check.add_argument("--symbol", default="BTC/USDT", help="name of the instrument (BTC/USDT)")
    check.add_argument(
        "--param", action="append", default=[], metavar="NAME=VALUE", help="of the strategy"
    )
    check.add_argument(
        "--strategies", metavar="PATH", help="file or folder of own strategies (OMS_STRATEGIES)"
    )
