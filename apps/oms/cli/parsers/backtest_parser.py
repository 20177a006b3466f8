"""Parser of the commands for backtests."""

import argparse
from typing import Any

from oms.cli.flags import add_group, add_verb, lazy_command

#: A test compares them with the domain's.
TIMEFRAMES = ("1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w", "1M")


def add_backtests(commands: Any, json: argparse.ArgumentParser) -> None:
    """Add the verbs of ``backtest``."""
    verbs = add_group(commands, "backtest", "test strategies on stored prices")
    run = add_verb(
        verbs,
        "run",
        [json],
        "run a strategy on the candles of a file",
        example="backtest run --csv btc.csv --timeframe 1h --strategy sma_cross --param fast=10",
        run=lazy_command("research.backtest", "run"),
    )
    run.set_defaults(view=lazy_command("research.backtest", "build_run_view"))
    run.add_argument(
        "--param", action="append", default=[], metavar="NAME=VALUE", help="of the strategy"
    )
    run.add_argument("--html", metavar="FILE", help="also write a report that opens in a browser")
    run.add_argument("--no-curve", action="store_true", help="leave the equity curve out")
    _add_settings(run)


def _add_settings(command: argparse.ArgumentParser) -> None:
    """Add the flags of the data, the strategy and the account."""
    command.add_argument("--csv", metavar="FILE", required=True, help="the candles")
    command.add_argument("--timeframe", required=True, choices=TIMEFRAMES, help="of the candles")
    command.add_argument("--symbol", default="BTC/USDT", help="name of the instrument (BTC/USDT)")
    command.add_argument("--strategy", required=True, help="name in the catalogue")
    command.add_argument("--start", help="trade from here on; earlier candles are warm-up")
    command.add_argument("--end", help="trade until here")
    command.add_argument("--initial-balance", help="in quote (10000)")
    command.add_argument("--commission", help="fee as a fraction of the value (0.001)")
    command.add_argument("--slippage", help="price move against each order, a fraction (0.0005)")
    command.add_argument("--position-pct", help="percent of the equity in a position (95)")
    command.add_argument("--allow-short", action="store_true", help="also short positions")
    command.add_argument("--stop-loss-pct", help="percent from the entry price")
    command.add_argument("--take-profit-pct", help="percent from the entry price")
    command.add_argument("--stop-trailing-pct", help="percent from the best price since the entry")
    command.add_argument("--qty-step", help="step of quantities (0.00000001)")
    command.add_argument("--price-tick", help="step of prices (0.00000001)")
    command.add_argument("--min-notional", help="smallest value of an order (0)")
