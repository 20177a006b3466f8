"""Parser of the commands on database, files and configuration; they need no server."""

import argparse
from typing import Any

from oms.cli.flags import add_confirmation, add_restrictions, add_secret, lazy_command

POSITION_MODES = ("hedge", "netting", "strategy_netting")
ENVIRONMENTS = ("paper", "testnet", "demo", "loopback", "live")
ROLES = ("admin", "trader", "portfolio_manager", "robot", "risk", "readonly")


def add_local(commands: Any, json: argparse.ArgumentParser) -> None:
    """Add all local commands except processes, ``verify``, ``replay`` and ``paper``."""
    _add_install(commands, json)
    _add_users(commands, json)
    _add_accounts(commands, json)
    _add_keys(commands, json)
    _add_maintenance(commands, json)
    _add_audit(commands, json)
    _add_exchange(commands, json)


def _add_exchange(commands: Any, json: argparse.ArgumentParser) -> None:
    exchange = commands.add_parser("exchange", help="what exchanges can do")
    verbs = exchange.add_subparsers(dest="verb", metavar="VERB", required=True)
    show = verbs.add_parser("show", parents=[json], help="one of them, field by field")
    show.add_argument("exchange_id", metavar="EXCHANGE_ID", help="as ccxtpro.bybit")
    show.add_argument("--environment", choices=ENVIRONMENTS, help="live; on paper paper")
    show.set_defaults(run=lazy_command("exchange_info", "show"))


def _add_install(commands: Any, json: argparse.ArgumentParser) -> None:
    install = commands.add_parser(
        "install", parents=[json], help="schema, admin, and with an account a trader"
    )
    install.add_argument("--sql-dir", help="accepted, without effect")
    install.add_argument("--skip-schema", action="store_true")
    install.add_argument("--admin-name", default="admin")
    add_secret(install, "api-key", "key of the one who trades, else of the admin; else made")
    install.add_argument("--api-key-label")
    install.add_argument("--with-account", action="store_true")
    install.add_argument("--trader-name", default="trader")
    install.add_argument("--no-trader", action="store_true")
    _add_account_flags(install, exchange="paper.binance", label="binance-main")
    install.set_defaults(run=lazy_command("install", "install"))


def _add_users(commands: Any, json: argparse.ArgumentParser) -> None:
    user = commands.add_parser("create-user", parents=[json], help="a user")
    user.add_argument("--name", required=True)
    user.add_argument("--role", default="trader", choices=ROLES)
    add_secret(user, "password", "for logins; without one there are none")
    user.set_defaults(run=lazy_command("install", "create_user"))

    key = commands.add_parser("create-api-key", parents=[json], help="a key of a user")
    key.add_argument("--user-id", type=int, required=True)
    add_secret(key, "api-key", "chosen text, 8..128 printable ASCII; else made")
    key.add_argument("--label")
    add_restrictions(key)
    key.set_defaults(run=lazy_command("install", "create_api_key"))

    status = commands.add_parser(
        "set-api-key-status", parents=[json], help="disable a key, or enable it again"
    )
    status.add_argument("--api-key-id", type=int, required=True)
    choice = status.add_mutually_exclusive_group(required=True)
    choice.add_argument("--enabled", action="store_true")
    choice.add_argument("--disabled", action="store_true")
    status.add_argument("--comment", help="why, for the audit log")
    status.set_defaults(run=lazy_command("install", "set_api_key_status"))


def _add_accounts(commands: Any, json: argparse.ArgumentParser) -> None:
    account = commands.add_parser("add-account", parents=[json], help="an account for a user")
    account.add_argument("--user-id", type=int, required=True)
    _add_account_flags(account, exchange=None, label=None)
    account.add_argument("--no-read", action="store_true")
    account.add_argument("--read-only", action="store_true")
    account.add_argument("--can-risk-manage", action="store_true")
    account.set_defaults(run=lazy_command("install", "add_account"))

    testnet = commands.add_parser(
        "set-account-testnet", parents=[json], help="whether an account is on its testnet"
    )
    testnet.add_argument("--account-id", type=int, required=True)
    choice = testnet.add_mutually_exclusive_group(required=True)
    choice.add_argument("--enabled", action="store_true")
    choice.add_argument("--disabled", action="store_true")
    testnet.set_defaults(run=lazy_command("install", "set_account_testnet"))


def _add_keys(commands: Any, json: argparse.ArgumentParser) -> None:
    make = commands.add_parser("generate-master-key", parents=[json], help="a fresh master key")
    make.add_argument(
        "--into-file", action="store_true", help="into the key file unless it exists; not printed"
    )
    make.set_defaults(run=lazy_command("credentials", "generate_master_key"))

    encrypt = commands.add_parser("encrypt", parents=[json], help="seal a text")
    add_secret(encrypt, "value", "the text")
    encrypt.set_defaults(run=lazy_command("credentials", "encrypt"))

    put = commands.add_parser(
        "upsert-account-credentials", parents=[json], help="credentials of an account, sealed"
    )
    put.add_argument("--account-id", type=int, required=True)
    add_secret(put, "api-key", "the exchange's key, in clear or as printed by encrypt")
    add_secret(put, "secret", "its secret")
    add_secret(put, "passphrase", "its passphrase, where the exchange has one")
    put.add_argument("--encrypt-input", action="store_true", help="accepted, always on")
    put.set_defaults(run=lazy_command("credentials", "upsert"))

    rotate = commands.add_parser(
        "rotate-master-key", parents=[json], help="seal all credentials under a new key"
    )
    add_secret(rotate, "new-key", "the new key; else made")
    rotate.add_argument(
        "--drop-old", action="store_true", help="make no key; take the old ones out of the file"
    )
    add_confirmation(rotate)
    rotate.set_defaults(run=lazy_command("credentials", "rotate"))


def _add_maintenance(commands: Any, json: argparse.ArgumentParser) -> None:
    database = commands.add_parser("db", parents=[json], help="upgrade or status")
    database.add_argument("action", choices=("upgrade", "status"))
    database.set_defaults(run=lazy_command("install", "database"))

    doctor = commands.add_parser("doctor", parents=[json], help="whether all is well")
    doctor.add_argument("--account-id", type=int)
    doctor.set_defaults(run=lazy_command("doctor", "doctor"))

    backup = commands.add_parser("backup", parents=[json], help="all tables into a file")
    backup.add_argument("--out", metavar="FILE", required=True)
    backup.set_defaults(run=lazy_command("backup", "backup"))
    restore = commands.add_parser("restore", parents=[json], help="all tables from a file")
    restore.add_argument("--in", dest="file", metavar="FILE", required=True)
    add_confirmation(restore)
    restore.set_defaults(run=lazy_command("backup", "restore"))


def _add_audit(commands: Any, json: argparse.ArgumentParser) -> None:
    audit = commands.add_parser("audit", help="the hash chains of audit log and commands")
    verbs = audit.add_subparsers(dest="verb", metavar="VERB", required=True)
    checkpoint = verbs.add_parser(
        "checkpoint", parents=[json], help="sign the ends of the chains, to be kept elsewhere"
    )
    checkpoint.add_argument("--out", metavar="FILE", help="write it there, else print it")
    checkpoint.set_defaults(run=lazy_command("audit", "checkpoint"))


def _add_account_flags(
    command: argparse.ArgumentParser, *, exchange: str | None, label: str | None
) -> None:
    command.add_argument("--exchange-id", default=exchange, required=exchange is None)
    command.add_argument("--label", default=label, required=label is None)
    command.add_argument("--position-mode", default="hedge", choices=POSITION_MODES)
    command.add_argument("--pool-id", type=int, default=0, help="accepted, without effect")
    command.add_argument("--testnet", action="store_true")
    command.add_argument("--extra-config", metavar="JSON", help="extra_config_json of the account")
