"""Parser of the commands on database, files and configuration; they need no server."""

import argparse
from typing import Any

from oms.cli.flags import (
    add_account_id,
    add_confirmation,
    add_group,
    add_restrictions,
    add_secret,
    add_verb,
    lazy_command,
)
from oms.cli.parsers.risk_parser import PRESETS

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
    _add_backup(commands, json)
    _add_archive(commands, json)
    _add_audit(commands, json)
    _add_exchange(commands, json)


def _add_exchange(commands: Any, json: argparse.ArgumentParser) -> None:
    verbs = add_group(commands, "exchange", "what exchanges can do")
    show = add_verb(
        verbs,
        "show",
        [json],
        "capabilities of one exchange, field by field",
        example="exchange show ccxtpro.bybit --environment testnet",
        run=lazy_command("exchange_info", "show"),
    )
    show.add_argument("exchange_id", metavar="EXCHANGE_ID", help="as ccxtpro.bybit")
    show.add_argument("--environment", choices=ENVIRONMENTS, help="default live; on paper paper")


def _add_install(commands: Any, json: argparse.ArgumentParser) -> None:
    install = add_verb(
        commands,
        "install",
        [json],
        "create schema, master key and admin, and with an account a trader",
        example="install --with-account --exchange-id paper.binance --label first",
        run=lazy_command("install", "install"),
    )
    install.add_argument("--sql-dir", help="accepted, without effect")
    install.add_argument("--skip-schema", action="store_true", help="the schema exists already")
    install.add_argument("--admin-name", default="admin", help="name of the admin (admin)")
    add_secret(install, "api-key", "key of the one who trades, else of the admin; else made")
    install.add_argument("--api-key-label", help="label of that key")
    install.add_argument("--with-account", action="store_true", help="also create an account")
    install.add_argument("--trader-name", default="trader", help="name of its trader (trader)")
    install.add_argument("--no-trader", action="store_true", help="create no trader")
    _add_account_flags(install, exchange="paper.binance", label="binance-main")


def _add_users(commands: Any, json: argparse.ArgumentParser) -> None:
    user = add_verb(
        commands,
        "create-user",
        [json],
        "create a user",
        example="create-user --name ann --role trader",
        run=lazy_command("install", "create_user"),
    )
    user.add_argument("--name", required=True, help="unique name")
    user.add_argument("--role", default="trader", choices=ROLES, help="default trader")
    add_secret(user, "password", "for logins; without one there are none")

    key = add_verb(
        commands,
        "create-api-key",
        [json],
        "create an API key of a user and print it once",
        example="create-api-key --user-id 2 --label laptop",
        run=lazy_command("install", "create_api_key"),
    )
    key.add_argument("--user-id", type=int, required=True, help="id of the user")
    add_secret(key, "api-key", "chosen text, 8..128 printable ASCII; else made")
    key.add_argument("--label", help="where the key is used")
    add_restrictions(key)

    status = add_verb(
        commands,
        "set-api-key-status",
        [json],
        "disable a key, or enable it again",
        example="set-api-key-status --api-key-id 3 --disabled --comment leaked",
        run=lazy_command("install", "set_api_key_status"),
    )
    status.add_argument("--api-key-id", type=int, required=True, help="id of the key")
    choice = status.add_mutually_exclusive_group(required=True)
    choice.add_argument("--enabled", action="store_true", help="it may be used again")
    choice.add_argument("--disabled", action="store_true", help="it is refused from now on")
    status.add_argument("--comment", help="why, for the audit log")


def _add_accounts(commands: Any, json: argparse.ArgumentParser) -> None:
    account = add_verb(
        commands,
        "add-account",
        [json],
        "create an account and grant it to a user",
        example="add-account --user-id 2 --exchange-id ccxt.bybit --label main --testnet",
        run=lazy_command("install", "add_account"),
    )
    account.add_argument("--user-id", type=int, required=True, help="id of the user")
    _add_account_flags(account, exchange=None, label=None)
    account.add_argument("--no-read", action="store_true", help="the user may not read it")
    account.add_argument("--read-only", action="store_true", help="the user may not trade on it")
    account.add_argument(
        "--can-risk-manage", action="store_true", help="the user may use its risk switches"
    )

    testnet = add_verb(
        commands,
        "set-account-testnet",
        [json],
        "choose between an exchange and its testnet, before the first order",
        example="set-account-testnet --account-id 3 --enabled",
        run=lazy_command("install", "set_account_testnet"),
    )
    add_account_id(testnet)
    choice = testnet.add_mutually_exclusive_group(required=True)
    choice.add_argument("--enabled", action="store_true", help="the testnet")
    choice.add_argument("--disabled", action="store_true", help="the exchange itself")


def _add_keys(commands: Any, json: argparse.ArgumentParser) -> None:
    make = add_verb(
        commands,
        "generate-master-key",
        [json],
        "create a master key",
        example="generate-master-key --into-file",
        run=lazy_command("credentials", "generate_master_key"),
    )
    make.add_argument(
        "--into-file", action="store_true", help="into the key file unless it exists; not printed"
    )

    encrypt = add_verb(
        commands,
        "encrypt",
        [json],
        "encrypt a text for upsert-account-credentials",
        example="encrypt --value-file secret.txt",
        run=lazy_command("credentials", "encrypt"),
    )
    add_secret(encrypt, "value", "the text")

    put = add_verb(
        commands,
        "upsert-account-credentials",
        [json],
        "store the exchange's credentials of an account, encrypted",
        example="upsert-account-credentials --account-id 3",
        run=lazy_command("credentials", "upsert"),
    )
    add_account_id(put)
    add_secret(put, "api-key", "the exchange's key, in clear or as printed by encrypt")
    add_secret(put, "secret", "its secret")
    add_secret(put, "passphrase", "its passphrase, where the exchange has one")
    put.add_argument("--encrypt-input", action="store_true", help="accepted, always on")

    rotate = add_verb(
        commands,
        "rotate-master-key",
        [json],
        "encrypt all credentials with a new master key",
        example="rotate-master-key",
        run=lazy_command("credentials", "rotate"),
    )
    add_secret(rotate, "new-key", "the new key; else made")
    rotate.add_argument(
        "--drop-old", action="store_true", help="make no key; take the old ones out of the file"
    )
    add_confirmation(rotate)


def _add_maintenance(commands: Any, json: argparse.ArgumentParser) -> None:
    database = add_verb(
        commands,
        "db",
        [json],
        "upgrade the schema of the database, or show its status",
        example="db upgrade",
        run=lazy_command("install", "database"),
    )
    database.add_argument("action", choices=("upgrade", "status"), help="what to do")

    doctor = add_verb(
        commands,
        "doctor",
        [json],
        "check configuration, database, keys, clock, worker and an account's exchange",
        example="doctor --account-id 3",
        run=lazy_command("doctor.doctor", "doctor"),
    )
    doctor.add_argument("--account-id", type=int, help="also connect to the exchange of this one")
    doctor.add_argument(
        "--url", help="only check what callers of this address get: TLS, proxy, WebSocket"
    )
    add_secret(doctor, "api-key", "the API key for --url (OMS_API_KEY)")


def _add_backup(commands: Any, json: argparse.ArgumentParser) -> None:
    backup = add_verb(
        commands,
        "backup",
        [json],
        "write all tables into a file",
        example="backup --out backup.gz",
        run=lazy_command("backup", "backup"),
    )
    backup.add_argument("--out", metavar="FILE", required=True, help="the file to write")
    restore = add_verb(
        commands,
        "restore",
        [json],
        "replace all tables by those of a file; the gateway must be stopped",
        example="restore --in backup.gz",
        run=lazy_command("backup", "restore"),
    )
    restore.add_argument("--in", dest="file", metavar="FILE", required=True, help="the backup")
    add_confirmation(restore)


def _add_archive(commands: Any, json: argparse.ArgumentParser) -> None:
    verbs = add_group(commands, "archive", "old closed rows in files outside the database")
    run = add_verb(
        verbs,
        "run",
        [json],
        "move what is closed and old into files; the gateway may be running",
        example="archive run --folder archive --older-than-days 365",
        run=lazy_command("archive", "run"),
    )
    age = run.add_mutually_exclusive_group(required=True)
    age.add_argument("--older-than-days", type=int, metavar="DAYS", help="age of what is moved")
    age.add_argument("--before", metavar="TIME", help="what is older than this date or time (UTC)")
    add_verb(
        verbs,
        "list",
        [json],
        "all archives",
        example="archive list",
        run=lazy_command("archive", "show"),
    )
    verify = add_verb(
        verbs,
        "verify",
        [json],
        "check the files, and what the database keeps of them",
        example="archive verify --folder archive",
        run=lazy_command("archive", "verify"),
    )
    restore = add_verb(
        verbs,
        "restore",
        [json],
        "put the rows of an archive back",
        example="archive restore --folder archive --archive-id 101",
        run=lazy_command("archive", "restore"),
    )
    restore.add_argument("--archive-id", type=int, required=True, help="id of the archive")
    add_confirmation(restore)
    for verb in (run, verify, restore):
        verb.add_argument("--folder", metavar="DIR", required=True, help="where the files are")


def _add_audit(commands: Any, json: argparse.ArgumentParser) -> None:
    verbs = add_group(commands, "audit", "the hash chains of audit log and commands")
    checkpoint = add_verb(
        verbs,
        "checkpoint",
        [json],
        "sign the ends of the chains, to be kept elsewhere",
        example="audit checkpoint --out checkpoint.json",
        run=lazy_command("audit", "checkpoint"),
    )
    checkpoint.add_argument("--out", metavar="FILE", help="write it there, else print it")
    tail = add_verb(
        verbs,
        "tail",
        [json],
        "print the last lines of the mirror of the audit log",
        example="audit tail --follow",
        run=lazy_command("access.audit_tail", "tail"),
    )
    tail.add_argument("--lines", type=int, default=10, help="how many (10)")
    tail.add_argument("--follow", action="store_true", help="print new ones until interrupted")


def _add_account_flags(
    command: argparse.ArgumentParser, *, exchange: str | None, label: str | None
) -> None:
    command.add_argument(
        "--exchange-id",
        default=exchange,
        required=exchange is None,
        help=f"as paper.binance, ccxt.bybit, ccxtpro.okx{f' ({exchange})' if exchange else ''}",
    )
    command.add_argument(
        "--label",
        default=label,
        required=label is None,
        help=f"unique name of the account{f' ({label})' if label else ''}",
    )
    command.add_argument(
        "--position-mode", default="hedge", choices=POSITION_MODES, help="default hedge"
    )
    command.add_argument("--pool-id", type=int, default=0, help="accepted, without effect")
    command.add_argument("--testnet", action="store_true", help="at the exchange's testnet")
    command.add_argument("--extra-config", metavar="JSON", help="extra_config_json of the account")
    command.add_argument(
        "--risk-preset", choices=PRESETS, help="its limits; by default those of its environment"
    )
