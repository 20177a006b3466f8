"""Parser of the commands for figures."""

import argparse
from typing import Any

from oms.cli.flags import add_verb, lazy_command

#: A test compares them with ``services.performance.trade_results``.
GROUPS = ("strategy", "symbol", "exchange", "account", "source", "day")
_ALL_ACCOUNTS = "default: all that the key may read"


def add_figures(commands: Any, network: argparse.ArgumentParser) -> None:
    """Add ``portfolio``, ``stats`` and ``exit-report``."""
    portfolio = add_verb(
        commands,
        "portfolio",
        [network],
        "show cash, equity and profit of accounts",
        example="portfolio --account-ids 1,2",
        run=lazy_command("figures", "portfolio"),
    )
    stats = add_verb(
        commands,
        "stats",
        [network],
        "show statistics of closed positions, net of fees",
        example="stats --account-ids 1 --group-by symbol",
        run=lazy_command("figures", "stats"),
    )
    stats.set_defaults(view=lazy_command("figures", "build_stats_view"))
    report = add_verb(
        commands,
        "exit-report",
        [network],
        "show how positions were closed, and with which results",
        example="exit-report --account-ids 1",
        run=lazy_command("figures", "exit_report"),
    )
    execution = add_verb(
        commands,
        "execution-report",
        [network],
        "show slippage and durations of orders",
        example="execution-report --group-by symbol",
        run=lazy_command("figures", "execution_report"),
    )
    execution.add_argument("--strategy-id", type=int, help="orders of one strategy; 0: of none")
    execution.add_argument("--symbol", help="orders of one symbol")
    execution.add_argument("--exchange", help="accounts of one exchange, as binance")
    execution.add_argument(
        "--source-id", type=int, help="orders of one source of signals; 0: of none"
    )
    execution.add_argument("--since", help="changed from this moment on: RFC 3339 or milliseconds")
    execution.add_argument("--until", help="changed before this moment")
    execution.add_argument(
        "--group-by", choices=("strategy", "symbol", "exchange", "source"), help="one row for each"
    )
    for parser in (portfolio, stats, report, execution):
        parser.add_argument("--account-ids", metavar="CSV", help=_ALL_ACCOUNTS)
    stats.add_argument("--strategy-id", type=int, help="positions of one strategy; 0: of none")
    stats.add_argument("--symbol", help="positions of one symbol")
    stats.add_argument("--exchange", help="accounts of one exchange, as binance")
    stats.add_argument("--source-id", type=int, help="opened by one source of signals; 0: by none")
    stats.add_argument("--since", help="closed from this moment on: RFC 3339 or milliseconds")
    stats.add_argument("--until", help="closed before this moment")
    stats.add_argument("--group-by", choices=GROUPS, metavar="NAME", help=", ".join(GROUPS))
