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
from typing import Any

from oms.cli.flags import add_confirmation, json_flags, lazy_command, network_flags
from oms.cli.local_parser import add_local
from oms.cli.network_parser import add_remote
from oms.cli.output import CommandFailed, emit
from oms.logs import redact_secrets

#: Commands whose ``ok`` is the result of a check.
CHECKS = ("verify", "doctor")
KILL_MODES = ("reduce_only", "cancel_only", "halt", "flatten")
KILL_SCOPES = ("global", "account", "strategy", "symbol", "key")
#: Thresholds of the garbage collector. The default (700, 10, 10) searches the heap dozens of times
#: while modules are imported, which is an eighth of a start.
GC_THRESHOLDS = (50_000, 50, 50)


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit with its status."""
    gc.set_threshold(*GC_THRESHOLDS)
    parsed = parser().parse_args(arguments)
    if not hasattr(parsed, "run"):
        parser().print_help()
        sys.exit(0)
    try:
        answer = parsed.run(parsed)
    except CommandFailed as failed:
        print(f"oms: {failed.message}", file=sys.stderr)
        if failed.answer is not None:
            emit(failed.answer, as_json=True)
        sys.exit(failed.status)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of stdout has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as bug:  # noqa: BLE001 - one line; the traceback with OMS_LOG_LEVEL=DEBUG
        if os.environ.get("OMS_LOG_LEVEL", "").upper() == "DEBUG":
            traceback.print_exc()
        text = redact_secrets(" ".join(str(bug).split()))[:500]
        print(f"oms: {type(bug).__name__}: {text}", file=sys.stderr)
        sys.exit(1)
    if answer is not None:
        emit(answer, as_json=parsed.json)
        sys.stdout.flush()
        if isinstance(answer, dict) and answer.get("ok") is False:
            sys.exit(7 if parsed.command in CHECKS else 1)


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser(prog="oms", description="Order management system.")
    common = json_flags()
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    _add_processes(commands, common)
    add_local(commands, common)
    _add_checks(commands, common)
    add_remote(commands, common)
    _add_paper(commands, common)
    _add_kill(commands, common)
    return top


def _add_processes(commands: Any, common: argparse.ArgumentParser) -> None:
    for name, text in (
        ("up", "api and worker under one supervisor, with a first run that sets all up"),
        ("api", "one API process"),
    ):
        command = commands.add_parser(name, parents=[common], help=text)
        command.add_argument("--host", help="address to listen on (OMS_HOST, 127.0.0.1)")
        command.add_argument("--port", type=int, help="port to listen on (OMS_PORT, 8000)")
        if name == "up":
            command.add_argument("--demo", action="store_true", help=argparse.SUPPRESS)
            command.set_defaults(run=lazy_command("supervisor", "up"))
        else:
            command.set_defaults(run=lazy_command("processes", "api"))
    worker = commands.add_parser("worker", parents=[common], help="one worker process")
    worker.add_argument("--accounts", default="", help="only these account ids, as CSV")
    worker.add_argument(
        "--name", default="", help="its name; a successor of the same name takes over"
    )
    worker.set_defaults(run=lazy_command("processes", "worker"))


def _add_checks(commands: Any, common: argparse.ArgumentParser) -> None:
    verify = commands.add_parser("verify", parents=[common], help="check the ledger")
    verify.add_argument("--account-id", type=int)
    verify.add_argument("--from-seq", type=int, default=0)
    verify.add_argument("--checkpoint", metavar="FILE", help="compare with a kept checkpoint")
    verify.set_defaults(run=lazy_command("verify", "verify"))

    replay = commands.add_parser("replay", parents=[common], help="rebuild the ledger from deals")
    replay.add_argument("--account-id", type=int, required=True)
    replay.add_argument("--until", metavar="TIME", help="RFC 3339; deals up to this time")
    replay.add_argument("--symbol", help="only this one")
    replay.add_argument("--write-to", metavar="FILE", help="write all of it there, as JSON")
    replay.set_defaults(run=lazy_command("replay", "replay"))


def _add_paper(commands: Any, common: argparse.ArgumentParser) -> None:
    paper = commands.add_parser("paper", help="commands of paper exchanges")
    verbs = paper.add_subparsers(dest="verb", metavar="VERB", required=True)
    run = verbs.add_parser(
        "run", parents=[common], help="run a script; print the hash of the final state"
    )
    run.add_argument("file", metavar="FILE", help="timed inputs, JSON lines, plain or gzip")
    run.add_argument("--save", metavar="PATH", help="save the final state")
    run.add_argument("--load", metavar="PATH", help="continue from a saved state")
    run.add_argument("--tapes", metavar="DIR", help="folder of recorded prices (OMS_TAPES_DIR)")
    run.add_argument("--facts", action="store_true", help="print the exchange's events")
    run.set_defaults(run=lazy_command("paper", "run"))
    state_hash = verbs.add_parser(
        "hash", parents=[common], help="SHA-256 of an account's exchange state"
    )
    state_hash.add_argument("--account-id", type=int, required=True)
    state_hash.set_defaults(run=lazy_command("paper", "hash_of_account"))
    _add_paper_changes(verbs, network_flags(common))


def _add_paper_changes(verbs: Any, network: argparse.ArgumentParser) -> None:
    price = verbs.add_parser("price", parents=[network], help="set a manual price")
    price.add_argument("--symbol", required=True)
    price.add_argument("--account-id", type=int, help="else all of the key that take one")
    for flag in ("price", "bid", "ask", "bid-qty", "ask-qty"):
        price.add_argument(f"--{flag}")
    price.set_defaults(run=lazy_command("network", "paper_price"))
    deposit = verbs.add_parser("deposit", parents=[network], help="pay in, or out below 0")
    deposit.add_argument("--currency", required=True)
    deposit.add_argument("--amount", required=True)
    deposit.set_defaults(run=lazy_command("network", "paper_deposit"))
    reset = verbs.add_parser(
        "reset", parents=[network], help="close everything and restore the initial balances"
    )
    reset.set_defaults(run=lazy_command("network", "paper_reset"))
    for verb in (deposit, reset):
        verb.add_argument("--account-id", type=int, required=True)
        verb.add_argument("--comment")


def _add_kill(commands: Any, common: argparse.ArgumentParser) -> None:
    kill = commands.add_parser("kill", help="kill switches")
    verbs = kill.add_subparsers(dest="verb", metavar="VERB", required=True)
    network = network_flags(common)
    on = verbs.add_parser("on", parents=[network], help="pull one")
    on.add_argument("--mode", default="halt", choices=KILL_MODES)
    on.add_argument("--keep-entries", action="store_true", help="cancel nothing")
    on.add_argument("--drill", action="store_true", help="only report what would happen")
    on.set_defaults(run=lazy_command("kill_switches", "pull"))
    off = verbs.add_parser("off", parents=[network], help="release those that are on")
    add_confirmation(off)
    off.set_defaults(run=lazy_command("kill_switches", "release"))
    for verb in (on, off):
        verb.add_argument("--scope", default="global", choices=KILL_SCOPES)
        verb.add_argument("--id", help="of the account, strategy or key; or the symbol")
        verb.add_argument("--comment", required=True)
