"""The command line ``oms``: arguments in, exit status out.

Local commands work on the database and need no server; network commands print the server's JSON.
Modules are imported by the command that needs them: ``oms --help`` must be quick.

Exit status: 0 done · 1 refused, rejected or failed · 2 usage · 3 authentication or permission ·
4 not found · 5 outcome unknown or time-out · 6 server or database not reachable · 7 a check
failed · 130 interrupted.
"""

import argparse
import os
import sys
import traceback
from typing import Any

from oms.cli.output import Failed, emit

POSITION_MODES = ("hedge", "netting", "strategy_netting")
ROLES = ("admin", "trader", "portfolio_manager", "robot", "risk", "readonly")


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit with its status."""
    parsed = parser().parse_args(arguments)
    if not hasattr(parsed, "run"):
        parser().print_help()
        sys.exit(0)
    try:
        answer = parsed.run(parsed)
    except Failed as failed:
        print(f"oms: {failed.message}", file=sys.stderr)
        if failed.answer is not None:
            emit(failed.answer, as_json=True)
        sys.exit(failed.status)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # who read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as bug:  # noqa: BLE001 - one line for people; the trace on demand
        if os.environ.get("OMS_LOG_LEVEL", "").upper() == "DEBUG":
            traceback.print_exc()
        told = " ".join(str(bug).split())[:500]
        print(f"oms: {type(bug).__name__}: {told}", file=sys.stderr)
        sys.exit(1)
    if answer is not None:
        emit(answer, as_json=parsed.json)
        sys.stdout.flush()
        if isinstance(answer, dict) and answer.get("ok") is False:
            sys.exit(7 if parsed.command == "verify" else 1)


def parser() -> argparse.ArgumentParser:
    """All commands with their flags."""
    top = argparse.ArgumentParser(prog="oms", description="Order management system.")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="JSON also on a terminal")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    _add_processes(commands, common)
    _add_local(commands, common)
    _add_network(commands, common)
    _add_paper(commands, common)
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
            command.set_defaults(run=_later("supervise", "up"))
        else:
            command.set_defaults(run=_later("run", "api"))
    worker = commands.add_parser("worker", parents=[common], help="one worker process")
    worker.add_argument("--accounts", default="", help="only these account ids, as CSV")
    worker.add_argument(
        "--name", default="", help="its name; a successor of the same name takes over"
    )
    worker.set_defaults(run=_later("run", "worker"))


def _add_local(commands: Any, common: argparse.ArgumentParser) -> None:
    install = commands.add_parser(
        "install", parents=[common], help="schema, admin, and with an account a trader"
    )
    install.add_argument("--sql-dir", help=argparse.SUPPRESS)
    install.add_argument("--skip-schema", action="store_true")
    install.add_argument("--admin-name", default="admin")
    _add_key_flags(install, "key of the one who trades, else of the admin; else made")
    install.add_argument("--api-key-label")
    install.add_argument("--with-account", action="store_true")
    install.add_argument("--trader-name", default="trader")
    install.add_argument("--no-trader", action="store_true")
    _add_account_flags(install, exchange="paper.binance", label="binance-main")
    install.set_defaults(run=_later("install", "install"))

    user = commands.add_parser("create-user", parents=[common], help="a user")
    user.add_argument("--name", required=True)
    user.add_argument("--role", default="trader", choices=ROLES)
    user.set_defaults(run=_later("install", "create_user"))

    key = commands.add_parser("create-api-key", parents=[common], help="a key of a user")
    key.add_argument("--user-id", type=int, required=True)
    _add_key_flags(key, "chosen text, 8..128 printable ASCII; else made")
    key.add_argument("--label")
    key.add_argument("--expires-at", help="RFC 3339")
    key.set_defaults(run=_later("install", "create_api_key"))

    account = commands.add_parser("add-account", parents=[common], help="an account for a user")
    account.add_argument("--user-id", type=int, required=True)
    _add_account_flags(account, exchange=None, label=None)
    account.add_argument("--no-read", action="store_true")
    account.add_argument("--read-only", action="store_true")
    account.add_argument("--can-risk-manage", action="store_true")
    account.set_defaults(run=_later("install", "add_account"))

    database = commands.add_parser("db", parents=[common], help="upgrade or status")
    database.add_argument("action", choices=("upgrade", "status"))
    database.set_defaults(run=_later("install", "database"))

    verify = commands.add_parser("verify", parents=[common], help="check the books")
    verify.add_argument("--account-id", type=int)
    verify.add_argument("--from-seq", type=int, default=0)
    verify.set_defaults(run=_later("verify", "verify"))

    replay = commands.add_parser("replay", parents=[common], help="rebuild the books from facts")
    replay.add_argument("--account-id", type=int, required=True)
    replay.add_argument("--until", metavar="TIME", help="RFC 3339; facts up to then")
    replay.add_argument("--symbol", help="only this one")
    replay.add_argument("--write-to", metavar="FILE", help="write all of it there, as JSON")
    replay.set_defaults(run=_later("replay", "replay"))


def _add_paper(commands: Any, common: argparse.ArgumentParser) -> None:
    paper = commands.add_parser("paper", help="what only paper exchanges can")
    verbs = paper.add_subparsers(dest="verb", metavar="VERB", required=True)
    run = verbs.add_parser("run", parents=[common], help="feed a script; the hash of the end")
    run.add_argument("file", metavar="FILE", help="timed inputs, JSON lines, plain or gzip")
    run.add_argument("--save", metavar="PATH", help="write down the end, to go on from it")
    run.add_argument("--load", metavar="PATH", help="go on from what --save wrote")
    run.add_argument("--tapes", metavar="DIR", help="folder of recorded prices (OMS_TAPES_DIR)")
    run.add_argument("--facts", action="store_true", help="print what the exchange says")
    run.set_defaults(run=_later("paper", "run"))
    told = verbs.add_parser("hash", parents=[common], help="SHA-256 of an account's memory")
    told.add_argument("--account-id", type=int, required=True)
    told.set_defaults(run=_later("paper", "hash_of_account"))
    _add_paper_changes(verbs, _network_flags(common))


def _add_paper_changes(verbs: Any, network: argparse.ArgumentParser) -> None:
    price = verbs.add_parser("price", parents=[network], help="set a manual price")
    price.add_argument("--symbol", required=True)
    price.add_argument("--account-id", type=int, help="else all of the key that take one")
    for flag in ("price", "bid", "ask", "bid-qty", "ask-qty"):
        price.add_argument(f"--{flag}")
    price.set_defaults(run=_later("network", "paper_price"))
    deposit = verbs.add_parser("deposit", parents=[network], help="pay in, or out below 0")
    deposit.add_argument("--currency", required=True)
    deposit.add_argument("--amount", required=True)
    deposit.set_defaults(run=_later("network", "paper_deposit"))
    reset = verbs.add_parser("reset", parents=[network], help="close all and begin anew")
    reset.set_defaults(run=_later("network", "paper_reset"))
    for verb in (deposit, reset):
        verb.add_argument("--account-id", type=int, required=True)
        verb.add_argument("--comment")


def _add_key_flags(command: argparse.ArgumentParser, text: str) -> None:
    ways = command.add_mutually_exclusive_group()
    ways.add_argument("--api-key", help=text)
    ways.add_argument("--api-key-file", metavar="PATH", help="the key is the text of a file")
    ways.add_argument("--api-key-stdin", action="store_true", help="the key is a line of stdin")


def _add_account_flags(
    command: argparse.ArgumentParser, *, exchange: str | None, label: str | None
) -> None:
    command.add_argument("--exchange-id", default=exchange, required=exchange is None)
    command.add_argument("--label", default=label, required=label is None)
    command.add_argument("--position-mode", default="hedge", choices=POSITION_MODES)
    command.add_argument("--pool-id", type=int, default=0, help=argparse.SUPPRESS)
    command.add_argument("--testnet", action="store_true")
    command.add_argument("--extra-config", metavar="JSON", help="extra_config_json of the account")


def _add_network(commands: Any, common: argparse.ArgumentParser) -> None:
    network = _network_flags(common)
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
    send.set_defaults(run=_later("network", "send_order"))
    _add_changes(commands, network)
    _add_reads(commands, network)


def _network_flags(common: argparse.ArgumentParser) -> argparse.ArgumentParser:
    network = argparse.ArgumentParser(add_help=False, parents=[common])
    network.add_argument("--base-url", help="OMS_BASE_URL, http://127.0.0.1:8000")
    _add_key_flags(network, "OMS_API_KEY")
    network.add_argument("--timeout", type=float, default=30, help="seconds")
    return network


def _add_changes(commands: Any, network: argparse.ArgumentParser) -> None:
    change = commands.add_parser("change-order", parents=[network], help="new price or quantity")
    cancel = commands.add_parser("cancel-order", parents=[network], help="cancel an order")
    for command in (change, cancel):
        command.add_argument("--account-id", type=int, required=True)
        command.add_argument("--order-id", type=int, required=True)
    change.add_argument("--new-price")
    change.add_argument("--new-qty")
    change.set_defaults(run=_later("network", "change_order"))
    cancel.set_defaults(run=_later("network", "cancel_order"))

    close = commands.add_parser("close-position", parents=[network], help="close a position")
    close.add_argument("--account-id", type=int, required=True)
    close.add_argument("--position-id", type=int, required=True)
    close.add_argument("--order-type", default="market")
    for flag in ("price", "qty", "comment"):
        close.add_argument(f"--{flag}")
    close.add_argument("--strategy-id", type=int, default=0)
    close.set_defaults(run=_later("network", "close_position"))


def _add_reads(commands: Any, network: argparse.ArgumentParser) -> None:
    for name in ("orders-open", "positions-open"):
        read = commands.add_parser(name, parents=[network], help=name.replace("-", ", "))
        read.add_argument("--account-ids", required=True)
        read.add_argument("--strategy-id", type=int)
        read.add_argument("--limit", type=int, default=500)
        read.set_defaults(run=_later("network", "read_open"))
    for name in ("orders-history", "deals", "positions-history"):
        read = commands.add_parser(name, parents=[network], help="rows of a time window")
        read.add_argument("--account-ids", required=True)
        read.add_argument("--strategy-id", type=int)
        read.add_argument("--start-date")
        read.add_argument("--end-date")
        read.add_argument("--days-back", type=int, default=1)
        read.add_argument("--page", type=int, default=1)
        read.add_argument("--page-size", type=int, default=100)
        read.set_defaults(run=_later("network", "read_history"))
    for name, path in (("healthz", "/healthz"), ("list-accounts", "/oms/accounts")):
        read = commands.add_parser(name, parents=[network], help=f"GET {path}")
        read.set_defaults(run=_later("network", "read_plain"), path=path)


def _later(module: str, function: str) -> Any:
    """The function of a module that is imported when the command runs."""

    def run(parsed: argparse.Namespace) -> Any:
        from importlib import import_module

        return getattr(import_module(f"oms.cli.{module}"), function)(parsed)

    return run
