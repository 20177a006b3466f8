"""The command line ``oms``: arguments in, exit status out.

Local commands work on the database and need no server; network commands print the server's JSON.
Modules are imported by the command that needs them, which keeps ``oms --help`` fast.

Exit status: 0 done · 1 refused, rejected or failed · 2 usage · 3 authentication or permission ·
4 not found · 5 outcome unknown or time-out · 6 server or database not reachable · 7 a check
failed · 130 interrupted.
"""

import argparse
import gc
import os
import sys
import traceback
from functools import cache
from typing import Any

from oms.cli.flags import CommandParser, json_flags
from oms.cli.output import CommandFailed, emit, print_view, shows_tables
from oms.cli.parsers.alert_parser import add_alerts
from oms.cli.parsers.backtest_parser import add_backtests
from oms.cli.parsers.bot_parser import add_bots
from oms.cli.parsers.candle_parser import add_candles
from oms.cli.parsers.deadman_parser import add_deadman
from oms.cli.parsers.local_parser import add_local
from oms.cli.parsers.market_parser import add_market
from oms.cli.parsers.network_parser import add_remote
from oms.cli.parsers.process_parser import add_checks, add_kill, add_paper, add_processes
from oms.cli.parsers.risk_parser import add_risk
from oms.cli.parsers.session_parser import add_sessions
from oms.cli.parsers.sink_parser import add_sinks
from oms.cli.parsers.source_parser import add_sources
from oms.cli.parsers.strategy_parser import add_strategies
from oms.logs import redact_secrets

#: Commands whose ``ok`` is the result of a check.
CHECKS = ("verify", "doctor", "smoke", "archive")
#: Thresholds of the garbage collector. The default (700, 10, 10) searches the heap dozens of times
#: while modules are imported, which is a sixth of a start. Those of the API make 200,000 objects.
START_GC_THRESHOLDS = (400_000, 50, 50)


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit with its status."""
    gc.set_threshold(*START_GC_THRESHOLDS)
    try:
        try:
            status = _run(arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # the reader of stdout has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    if status:
        sys.exit(status)


def _run(arguments: list[str] | None) -> int:
    """Run one command and return its status. Raises ``SystemExit`` of the parser."""
    parsed = parser().parse_args(arguments)
    if not hasattr(parsed, "run"):
        parser().print_help()
        return 0
    try:
        answer = parsed.run(parsed)
        if answer is not None:
            _show(answer, parsed)
    except CommandFailed as failed:
        print(f"oms: {failed.message}", file=sys.stderr)
        if failed.answer is not None and not shows_tables(parsed):
            emit(failed.answer, as_json=True)
        return failed.status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        raise
    except Exception as bug:  # noqa: BLE001 - one line; the traceback with OMS_LOG_LEVEL=DEBUG
        if os.environ.get("OMS_LOG_LEVEL", "").upper() == "DEBUG":
            traceback.print_exc()
        text = redact_secrets(" ".join(str(bug).split()))[:500]
        print(f"oms: {type(bug).__name__}: {text}", file=sys.stderr)
        return 1
    is_refused = isinstance(answer, dict) and answer.get("ok") is False
    return (7 if parsed.command in CHECKS else 1) if is_refused else 0


def _show(answer: Any, parsed: argparse.Namespace) -> None:
    """Print an answer; on a terminal in the command's own view if it has one."""
    view = getattr(parsed, "view", None)
    if view is not None and shows_tables(parsed):
        print_view(view(parsed, answer))
    else:
        emit(answer, as_json=parsed.json)


@cache
def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands, which is built once."""
    top = CommandParser(
        prog="oms",
        description="Order management system.",
        epilog="example:\n  oms send-order --help",
    )
    common = json_flags()
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    add_processes(commands, common)
    add_local(commands, common)
    add_checks(commands, common)
    add_remote(commands, common)
    add_paper(commands, common)
    add_kill(commands, common)
    add_deadman(commands, common)
    add_sessions(commands, common)
    add_risk(commands, common)
    add_alerts(commands, common)
    add_market(commands, common)
    add_sinks(commands, common)
    add_bots(commands, common)
    add_sources(commands, common)
    add_backtests(commands, common)
    add_strategies(commands, common)
    add_candles(commands, common)
    return top
