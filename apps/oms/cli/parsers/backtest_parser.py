"""Parser of the commands for backtests."""

import argparse
from typing import Any

from oms.cli.flags import add_group, add_verb, lazy_command, network_flags
from oms.cli.parsers.risk_parser import PRESETS

#: A test compares them with the domain's.
SORTABLE = (
    *("total_return_pct", "sharpe_ratio", "sortino_ratio", "max_drawdown", "cagr_pct"),
    *("total_trades", "win_rate", "profit_factor", "exposure_pct"),
)
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
    run.add_argument("--html", metavar="FILE", help="also write a report that opens in a browser")
    run.add_argument("--no-curve", action="store_true", help="leave the equity curve out")
    _add_settings(run)
    listed = add_verb(
        verbs,
        "strategies",
        [json],
        "list strategies and their parameters",
        example="backtest strategies --strategies my_strategies",
        run=lazy_command("research.backtest", "list_strategies"),
    )
    _add_strategies(listed)
    sweep = add_verb(
        verbs,
        "sweep",
        [json],
        "run a strategy with all combinations of parameters, on several processes",
        example="backtest sweep --csv btc.csv --timeframe 1h --strategy sma_cross"
        " --grid fast=5:30:5 --grid slow=20,50,100 --where 'fast<slow'",
        run=lazy_command("research.backtest_sweep", "sweep"),
    )
    sweep.set_defaults(view=lazy_command("research.backtest_sweep", "build_sweep_view"))
    sweep.add_argument(
        "--grid", action="append", required=True, metavar="NAME=VALUES", help="A:B:STEP or A,B,C"
    )
    sweep.add_argument(
        "--where", action="append", default=[], metavar="CONDITION", help="as fast<slow"
    )
    sweep.add_argument("--workers", type=int, help="processes (one for each CPU)")
    sweep.add_argument("--sort", choices=SORTABLE, default="sharpe_ratio", help="best first by")
    sweep.add_argument(
        "--folds", type=int, help="walk-forward: choose on the past, judge on this many parts"
    )
    sweep.add_argument("--out", metavar="FILE", help="also write the rows as CSV")
    _add_settings(sweep)
    replay = add_verb(
        verbs,
        "replay",
        [json],
        "replay a run through a gateway of its own, and compare the deals",
        example="backtest replay 7",
        run=lazy_command("research.backtest_replay", "replay"),
    )
    replay.add_argument(
        "run_id", nargs="?", type=int, metavar="RUN_ID", help="a stored run; else one of the flags"
    )
    _add_settings(replay, is_required=False)
    _add_stored(verbs, network_flags(json))


def _add_stored(verbs: Any, network: argparse.ArgumentParser) -> None:
    """Add the verbs of backtests that the server has stored."""
    listed = add_verb(
        verbs,
        "list",
        [network],
        "list stored backtests, the newest or the best first",
        example="backtest list --strategy sma_cross --sort sharpe_ratio",
        run=lazy_command("research.stored_backtests", "list_backtests"),
    )
    listed.set_defaults(view=lazy_command("research.stored_backtests", "build_list_view"))
    listed.add_argument("--kind", choices=("run", "sweep"), help="single runs or sweeps")
    listed.add_argument("--status", help="queued, running, done, failed or canceled")
    listed.add_argument("--strategy", help="of one strategy")
    listed.add_argument("--exchange", help="of one exchange")
    listed.add_argument("--symbol", help="of one symbol")
    listed.add_argument("--timeframe", choices=TIMEFRAMES, help="of one timeframe")
    listed.add_argument("--sort", metavar="FIGURE", help="rank by a figure, the best first")
    listed.add_argument("--order", choices=("asc", "desc"), help="of the figure")
    listed.add_argument("--limit", type=int, help="rows at most (100)")
    listed.add_argument("--cursor", help="next_cursor of the page before")
    shown = add_verb(
        verbs,
        "show",
        [network],
        "show a stored backtest with its figures",
        example="backtest show 7",
        run=lazy_command("research.stored_backtests", "show"),
    )
    shown.set_defaults(view=lazy_command("research.stored_backtests", "build_show_view"))
    report = add_verb(
        verbs,
        "report",
        [network],
        "write the report of a stored backtest",
        example="backtest report 7 --html report.html",
        run=lazy_command("research.stored_backtests", "report"),
    )
    report.add_argument("--html", metavar="FILE", required=True, help="file to write")
    for command in (shown, report):
        command.add_argument("run_id", metavar="RUN", type=int, help="id of the backtest")
    compared = add_verb(
        verbs,
        "compare",
        [network],
        "compare two to six stored backtests",
        example="backtest compare 7 8",
        run=lazy_command("research.stored_backtests", "compare"),
    )
    compared.set_defaults(view=lazy_command("research.stored_backtests", "build_compare_view"))
    compared.add_argument("run_ids", metavar="RUN", type=int, nargs="+", help="ids of backtests")


def _add_strategies(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--strategies", metavar="PATH", help="file or folder of own strategies (OMS_STRATEGIES)"
    )


def _add_settings(command: argparse.ArgumentParser, *, is_required: bool = True) -> None:
    """Add the flags of the data, the strategy and the account."""
    command.add_argument(
        "--param", action="append", default=[], metavar="NAME=VALUE", help="of the strategy"
    )
    source = command.add_mutually_exclusive_group(required=is_required)
    source.add_argument("--csv", metavar="FILE", help="candles of a file")
    source.add_argument("--exchange", help="stored candles of --symbol at this exchange")
    command.add_argument(
        "--timeframe", required=is_required, choices=TIMEFRAMES, help="of the candles"
    )
    command.add_argument("--symbol", default="BTC/USDT", help="name of the instrument (BTC/USDT)")
    command.add_argument(
        "--strategy", required=is_required, help="name, as 'backtest strategies' lists"
    )
    _add_strategies(command)
    command.add_argument("--start", help="trade from here on; earlier candles are warm-up")
    command.add_argument("--end", help="trade until here")
    command.add_argument("--initial-balance", help="in quote (10000)")
    command.add_argument("--commission", help="fee as a fraction of the value (0.001)")
    command.add_argument("--slippage", help="price move against each order, a fraction (0.0005)")
    command.add_argument("--position-pct", help="percent of the equity in a position (95)")
    command.add_argument("--allow-short", action="store_true", help="also short positions")
    command.add_argument(
        "--risk-preset", choices=PRESETS, default="open", help="limits on entries (open: none)"
    )
    command.add_argument("--stop-loss-pct", help="percent from the entry price")
    command.add_argument("--take-profit-pct", help="percent from the entry price")
    command.add_argument("--stop-trailing-pct", help="percent from the best price since the entry")
    command.add_argument("--qty-step", help="step of quantities (0.00000001)")
    command.add_argument("--price-tick", help="step of prices (0.00000001)")
    command.add_argument("--min-notional", help="smallest value of an order (0)")
