"""Local commands on the registry. They can be repeated: what exists is kept and reported."""

import argparse
import asyncio
import string
import sys
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

from oms.cli.access.change_notice import announce_change
from oms.cli.access.key_restrictions import parse_restrictions
from oms.cli.audit_context import cli_audit_context
from oms.cli.output import CommandFailed
from oms.cli.registry_accounts import FULL_GRANT, create_granted_account, parse_exchange_id
from oms.cli.settings import command_settings, read_secret
from oms.config import Settings
from oms.domain.access import UNRESTRICTED, Grant
from oms.domain.errors import Invalid, NotFound, OmsError, Unavailable
from oms.ports.admin.user_admin import ApiKeyChange, UserChange
from oms.ports.notifier import Topic
from oms.ports.registry import AccountRow, UserRow
from oms.services.access.administer import Administer
from oms.services.access.authenticate import hash_key

Answer = TypeVar("Answer")

KEY_LENGTHS = range(8, 129)
SAFE_KEY_LENGTH_MIN = 24


def install(parsed: argparse.Namespace) -> Any:
    """Create the schema, an admin and, with ``--with-account``, a trader with an account."""
    parsed.api_key = read_secret(parsed, "api-key")
    check_key(parsed.api_key)
    parse_exchange_id(parsed.exchange_id)

    async def work(settings: Settings, administer: Administer) -> Any:
        return await ensure_installed(parsed, administer)

    settings = command_settings(parsed)
    applied = None if parsed.skip_schema else run_async(_upgrade_schema(settings))["applied"]
    if _ensure_master_key(settings):
        print(f"oms: the master key was created in {settings.key_file}", file=sys.stderr)
    result = with_registry(parsed, work)
    return result if applied is None else {"ok": True, "schema_files": applied} | result


async def ensure_installed(parsed: argparse.Namespace, administer: Administer) -> dict[str, Any]:
    """Create what is missing and return users, keys and account."""
    with_trader = parsed.with_account and not parsed.no_trader
    admin, _ = await administer.ensure_user(parsed.admin_name, "admin", cli_audit_context())
    admin_text = None if with_trader else parsed.api_key
    admin_key = await _ensure_key(administer, admin, admin_text, parsed.api_key_label)
    if not parsed.with_account:
        return {"ok": True, "user": _user_row(admin), "api_key": admin_key}
    trader = admin
    key = admin_key
    if with_trader:
        trader, _ = await administer.ensure_user(parsed.trader_name, "trader", cli_audit_context())
        key = await _ensure_key(administer, trader, parsed.api_key, parsed.api_key_label)
    account = await _ensure_account(parsed, administer, trader.id, key["id"])
    return {
        "ok": True,
        "user": _user_row(trader),
        "api_key": key,
        "account": {
            "id": account.account.id,
            "exchange_id": account.account.exchange_id,
            "label": account.account.label,
            "position_mode": account.account.position_mode,
            "is_testnet": account.is_testnet,
        },
        "admin": {
            "user_id": admin.id,
            "name": admin.name,
            "api_key_id": admin_key["id"],
            "api_key": admin_key["plain"],
        },
    }


def create_user(parsed: argparse.Namespace) -> Any:
    """Create a user; an existing one is returned unchanged."""
    password = read_secret(parsed, "password", warns=True)

    async def work(settings: Settings, administer: Administer) -> Any:
        hashed = None if password is None else await administer.passwords.hash(password)
        user, created = await administer.ensure_user(parsed.name, parsed.role, cli_audit_context())
        if hashed is not None and created:
            change = UserChange(password_hash=hashed)
            await administer.people.change_user(user.id, change, cli_audit_context())
        elif hashed is not None:
            print(f"oms: warning: {user.name} exists, its password is unchanged", file=sys.stderr)
        fields = {"user_id": user.id, "name": user.name, "role": user.role, "created": created}
        return {"ok": True} | fields

    return with_registry(parsed, work)


def create_api_key(parsed: argparse.Namespace) -> Any:
    """Create a key with the grants of its user."""
    parsed.api_key = read_secret(parsed, "api-key")
    check_key(parsed.api_key)
    restrictions = parse_restrictions(parsed)

    async def work(settings: Settings, administer: Administer) -> Any:
        key_id, plain = await administer.create_granted_key(
            parsed.user_id, parsed.api_key, parsed.label, cli_audit_context()
        )
        if restrictions != UNRESTRICTED:
            # The key's text is not printed before its restrictions are stored.
            change = ApiKeyChange(restrictions=restrictions)
            await administer.change_key(key_id, change, cli_audit_context())
        return {
            "ok": True,
            "user_id": parsed.user_id,
            "api_key_id": key_id,
            "api_key": plain,
            "label": parsed.label,
        }

    return with_registry(parsed, work)


def set_api_key_status(parsed: argparse.Namespace) -> Any:
    """Disable a key or enable it again; what is disabled here, its owner does not enable."""
    status = "active" if parsed.enabled else "disabled"

    async def work(settings: Settings, administer: Administer) -> Any:
        rows = await administer.change_key(
            parsed.api_key_id, ApiKeyChange(status=status), cli_audit_context(parsed.comment)
        )
        return {"ok": True, "api_key_id": parsed.api_key_id, "status": status, "rows": rows}

    return with_registry(parsed, work)


def add_account(parsed: argparse.Namespace) -> Any:
    """Create an account, granted to the user and all his keys."""
    can_trade = not parsed.read_only and not parsed.no_read
    can_manage = bool(parsed.can_risk_manage)
    grant = Grant(
        can_read=not parsed.no_read,
        can_trade=can_trade,
        can_close_position=can_trade,
        can_risk_manage=can_manage,
        can_block_new_positions=can_manage,
        can_block_account=can_manage,
    )

    async def work(settings: Settings, administer: Administer) -> Any:
        created = await create_granted_account(administer, parsed, parsed.user_id, grant)
        return {
            "ok": True,
            "account_id": created.id,
            "user_id": parsed.user_id,
            "exchange_id": parse_exchange_id(parsed.exchange_id),
            "label": parsed.label,
            "risk_preset": created.risk_preset,
            "limits_needing_equity": list(created.limits_needing_equity),
        }

    return with_registry(parsed, work)


def set_account_testnet(parsed: argparse.Namespace) -> Any:
    """Set whether an account is on its testnet; only before its first order.

    The worker that owns the account loads it again.
    """
    from oms import bootstrap
    from oms.ports.admin.account_admin import AccountChange

    settings = command_settings(parsed)

    async def work() -> int:
        change = AccountChange(is_testnet=parsed.enabled)
        async with bootstrap.open_store(settings) as store:
            return await store.account_admin.change(parsed.account_id, change, cli_audit_context())

    rows = run_async(work())
    fields = {"account_id": parsed.account_id, "is_testnet": parsed.enabled, "rows": rows}
    return {"ok": True} | fields


def database(parsed: argparse.Namespace) -> Any:
    """Execute ``db upgrade`` or ``db status``."""
    from oms import bootstrap

    settings = command_settings(parsed)
    if parsed.action == "upgrade":
        return run_async(_upgrade_schema(settings))
    status = run_async(bootstrap.migration_status(settings))
    return {"version": status.version, "pending": list(status.pending)}


def check_key(text: str | None) -> None:
    """Raise ``CommandFailed`` for an invalid chosen key; warn of a short one."""
    if text is None:
        return
    printable = set(string.ascii_letters + string.digits + string.punctuation)
    if len(text) not in KEY_LENGTHS or not set(text) <= printable:
        raise CommandFailed("an API key has 8..128 printable ASCII characters", status=2)
    if len(text) < SAFE_KEY_LENGTH_MIN:
        short = f"under {SAFE_KEY_LENGTH_MIN} characters is easily guessed"
        print(f"oms: warning: an API key {short}", file=sys.stderr)


def with_registry(
    parsed: argparse.Namespace, work: Callable[[Settings, Administer], Awaitable[Any]]
) -> Any:
    """Return the result of ``work`` on the registry; processes that cache keys are notified."""
    from oms import bootstrap

    settings = command_settings(parsed)

    async def run() -> Any:
        async with bootstrap.open_store(settings) as store:
            administer, changed = bootstrap.build_administer(settings, store), asyncio.Event()
            administer.authenticate.on_change = changed.set
            result = await work(settings, administer)
            if changed.is_set():
                await announce_change(settings, store, Topic.ACCESS)
            return result

    return run_async(run())


def run_async(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Return the result of ``work``. Raises ``CommandFailed`` with the status of an error."""
    try:
        return asyncio.run(work)
    except NotFound as error:
        raise CommandFailed(error.message, status=4) from None
    except Unavailable as error:
        raise CommandFailed(error.message, status=6) from None
    except Invalid as error:
        raise CommandFailed(error.message, status=2) from None
    except OmsError as error:
        raise CommandFailed(error.message, status=1) from None


async def _upgrade_schema(settings: Settings) -> dict[str, Any]:
    from oms import bootstrap

    migration = await bootstrap.migrate(settings)
    return {
        "ok": True,
        "from": migration.from_version,
        "to": migration.to_version,
        "applied": list(migration.applied),
    }


async def _ensure_account(
    parsed: argparse.Namespace, administer: Administer, user_id: int, key_id: int
) -> AccountRow:
    """Return the account of that label, created if missing; the key gets full permissions."""
    rows = await administer.registry.accounts()
    accounts = [row for row in rows if row.account.label == parsed.label]
    if not accounts:
        created = await create_granted_account(administer, parsed, user_id, FULL_GRANT)
        accounts = list(await administer.registry.accounts([created.id]))
    account_id = accounts[0].account.id
    owner = await administer.registry.principal_of(key_id, datetime.now(UTC))
    if owner is None or owner.grant(account_id) is None:
        await administer.grant(user_id, account_id, FULL_GRANT, cli_audit_context())
    return accounts[0]


def _ensure_master_key(settings: Settings) -> bool:
    from oms import bootstrap

    try:
        bootstrap.ensure_signal_key(settings)
        return bootstrap.ensure_master_key(settings)
    except OSError as error:
        raise CommandFailed(f"{settings.key_file}: {error.strerror}") from None


async def _ensure_key(
    administer: Administer, user: UserRow, text: str | None, label: str | None
) -> dict[str, Any]:
    """Return the user's first key; its clear text only if it is created now."""
    if text is None:
        key_ids = await administer.registry.keys_of(user.id)
        if key_ids:
            return {"id": key_ids[0], "plain": None, "label": label}
    else:
        owner = await administer.registry.principal(hash_key(text), datetime.now(UTC))
        if owner is not None and owner.user_id == user.id:
            return {"id": owner.api_key_id, "plain": None, "label": label}
    key_id, plain = await administer.create_granted_key(user.id, text, label, cli_audit_context())
    return {"id": key_id, "plain": plain, "label": label}


def _user_row(user: UserRow) -> dict[str, Any]:
    return {"id": user.id, "name": user.name}
