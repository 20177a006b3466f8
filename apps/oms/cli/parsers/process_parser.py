"""Parser of the processes, of the checks of the ledger, of ``paper`` and of ``kill``."""

import argparse
from typing import Any

from oms.cli.flags import (
    add_account_id,
    add_confirmation,
    add_group,
    add_verb,
    lazy_command,
    network_flags,
    server_flags,
)

DEMO_SEED, DEMO_DAYS = 11, 35
DEMO_DAYS_MAX = 365
KILL_MODES = ("reduce_only", "cancel_only", "halt", "flatten")
KILL_SCOPES = ("global", "account", "strategy", "symbol", "key")


def add_processes(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add ``up``, ``demo``, ``api``, ``worker`` and ``runner``."""
    up = add_verb(
        commands,
        "up",
        [common],
        "run API, worker and runner under one supervisor; the first start sets everything up",
        example="up --port 9000",
        run=lazy_command("supervisor", "up"),
    )
    up.add_argument("--demo", action="store_true", help=argparse.SUPPRESS)
    demo = add_verb(
        commands,
        "demo",
        [common],
        "run a paper gateway with accounts, positions and weeks of trading, to look at",
        example="demo --port 9000",
        run=lazy_command("demo.demo", "demo"),
    )
    demo.add_argument("--seed", type=int, default=DEMO_SEED, help=f"default {DEMO_SEED}")
    demo.add_argument(
        "--days", type=_days, default=DEMO_DAYS, help=f"length of its past (default {DEMO_DAYS})"
    )
    demo.add_argument("--fresh", action="store_true", help="make a new one in place of the last")
    demo.add_argument("--home", metavar="DIR", help="its data folder (demo in OMS_HOME)")
    api = add_verb(
        commands,
        "api",
        [common],
        "run one API process",
        example="api --host 127.0.0.1 --port 8000",
        run=lazy_command("processes", "api"),
    )
    for command in (up, demo, api):
        command.add_argument("--host", help="address to listen on (OMS_HOST, 127.0.0.1)")
        command.add_argument("--port", type=int, help="port to listen on (OMS_PORT, 8000)")
    worker = add_verb(
        commands,
        "worker",
        [common],
        "run one worker process",
        example="worker --name worker-1",
        run=lazy_command("processes", "worker"),
    )
    worker.add_argument("--accounts", default="", help="only these account ids, as CSV")
    runner = add_verb(
        commands,
        "runner",
        [common],
        "run one process of background tasks: notifications, the mirror of the audit log",
        example="runner --name runner-1",
        run=lazy_command("processes", "runner"),
    )
    for command in (worker, runner):
        command.add_argument(
            "--name", default="", help="its name; a successor of the same name takes over"
        )


def _days(text: str) -> int:
    """Return a length of the past in days."""
    days = int(text)
    if not 1 <= days <= DEMO_DAYS_MAX:
        raise argparse.ArgumentTypeError(f"1 to {DEMO_DAYS_MAX} are expected")
    return days


def add_checks(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add ``verify``, ``replay`` and ``smoke``."""
    verify = add_verb(
        commands,
        "verify",
        [common],
        "check every invariant of the stored ledger",
        example="verify --account-id 1",
        run=lazy_command("verify", "verify"),
    )
    verify.add_argument("--account-id", type=int, help="only this account")
    verify.add_argument("--from-seq", type=int, default=0, help="events after this number only")
    verify.add_argument("--checkpoint", metavar="FILE", help="compare with a kept checkpoint")

    replay = add_verb(
        commands,
        "replay",
        [common],
        "rebuild the ledger of an account from its deals and compare",
        example="replay --account-id 1 --write-to books.json",
        run=lazy_command("replay", "replay"),
    )
    add_account_id(replay)
    replay.add_argument("--until", metavar="TIME", help="RFC 3339; deals up to this time")
    replay.add_argument("--symbol", help="only this one")
    replay.add_argument("--write-to", metavar="FILE", help="write all of it there, as JSON")

    smoke = add_group(commands, "smoke", "checks that trade on a paper account of their own")
    add_verb(
        smoke,
        "risk-size",
        [server_flags(common)],
        "check that an order above the limit on the size of a position is refused",
        example="smoke risk-size",
        run=lazy_command("smoke", "risk_size"),
    )


def add_paper(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the verbs of ``paper``."""
    verbs = add_group(commands, "paper", "commands of paper exchanges")
    run = add_verb(
        verbs,
        "run",
        [common],
        "run a script; print the hash of the final state",
        example="paper run script.jsonl --facts",
        run=lazy_command("paper", "run"),
    )
    run.add_argument("file", metavar="FILE", help="timed inputs, JSON lines, plain or gzip")
    run.add_argument("--save", metavar="PATH", help="save the final state")
    run.add_argument("--load", metavar="PATH", help="continue from a saved state")
    run.add_argument("--tapes", metavar="DIR", help="folder of recorded prices (OMS_TAPES_DIR)")
    run.add_argument("--facts", action="store_true", help="print the exchange's events")
    state_hash = add_verb(
        verbs,
        "hash",
        [common],
        "SHA-256 of the state of an account's paper exchange",
        example="paper hash --account-id 1",
        run=lazy_command("paper", "hash_of_account"),
    )
    add_account_id(state_hash)
    _add_paper_changes(verbs, network_flags(common))


def _add_paper_changes(verbs: Any, network: argparse.ArgumentParser) -> None:
    price = add_verb(
        verbs,
        "price",
        [network],
        "set a manual price",
        example="paper price --symbol BTC/USDT --price 60000",
        run=lazy_command("network", "paper_price"),
    )
    price.add_argument("--symbol", required=True, help="as BTC/USDT")
    price.add_argument("--account-id", type=int, help="else all of the key that take one")
    price.add_argument("--price", help="bid and ask at once")
    price.add_argument("--bid", help="best bid")
    price.add_argument("--ask", help="best ask")
    price.add_argument("--bid-qty", help="quantity at the bid")
    price.add_argument("--ask-qty", help="quantity at the ask")
    deposit = add_verb(
        verbs,
        "deposit",
        [network],
        "deposit money; a negative amount withdraws",
        example="paper deposit --account-id 1 --currency USDT --amount 5000",
        run=lazy_command("network", "paper_deposit"),
    )
    deposit.add_argument("--currency", required=True, help="as USDT")
    deposit.add_argument("--amount", required=True, help="below 0 to withdraw")
    reset = add_verb(
        verbs,
        "reset",
        [network],
        "close everything and restore the initial balances",
        example="paper reset --account-id 1",
        run=lazy_command("network", "paper_reset"),
    )
    for verb in (deposit, reset):
        add_account_id(verb)
        verb.add_argument("--comment", help="why, for the audit log")


def add_kill(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add ``kill on`` and ``kill off``."""
    verbs = add_group(commands, "kill", "kill switches")
    network = network_flags(common)
    on = add_verb(
        verbs,
        "on",
        [network],
        "activate a kill switch",
        example="kill on --scope account --id 1 --mode reduce_only --comment 'bad prices'",
        run=lazy_command("kill_switches", "pull"),
    )
    on.add_argument("--mode", default="halt", choices=KILL_MODES, help="default halt")
    on.add_argument("--keep-entries", action="store_true", help="cancel nothing")
    on.add_argument("--drill", action="store_true", help="only report what would happen")
    off = add_verb(
        verbs,
        "off",
        [network],
        "release the active kill switches of a scope",
        example="kill off --scope account --id 1 --comment 'prices are good again'",
        run=lazy_command("kill_switches", "release"),
    )
    add_confirmation(off)
    for verb in (on, off):
        verb.add_argument("--scope", default="global", choices=KILL_SCOPES, help="default global")
        verb.add_argument("--id", help="of the account, strategy or key; or the symbol")
        verb.add_argument("--comment", required=True, help="why, for the audit log")
