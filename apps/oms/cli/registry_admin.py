"""Creation of users, keys, accounts and grants from the command line, with audit entries."""

import argparse
import getpass
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from oms.cli.output import CommandFailed
from oms.domain.access import Grant
from oms.ports.audit_log import AuditContext
from oms.ports.registry import AuditEntry, Registry, UserRow
from oms.ports.user_admin import UserAdmin
from oms.services.access.authenticate import hash_key

KEY_BYTES = 32
FULL_GRANT = Grant(
    can_trade=True,
    can_close_position=True,
    can_risk_manage=True,
    can_block_new_positions=True,
    can_block_account=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryAdmin:
    """Writes to the registry as the operating system's user."""

    registry: Registry
    people: UserAdmin

    def entry(self, action: str, entity: str, entity_id: object) -> AuditEntry:
        """Return the audit entry of a change from the command line."""
        return AuditEntry(
            actor=f"cli:{_os_user()}",
            action=action,
            entity=entity,
            entity_id=str(entity_id),
        )

    async def ensure_user(self, name: str, role: str) -> tuple[UserRow, bool]:
        """Return the user of that name and whether it was created."""
        audit = self.entry("create_user", "user", name)
        return await self.registry.create_user(name=name, role=role, now=now(), audit=audit)

    async def create_key(
        self,
        user_id: int,
        text: str | None,
        label: str | None,
    ) -> tuple[int, str]:
        """Create a key; return its id and its clear text, which is not stored."""
        plain = text or f"oms_{secrets.token_urlsafe(KEY_BYTES)}"
        key_id = await self.registry.create_key(
            user_id=user_id,
            key_hash=hash_key(plain),
            key_prefix=plain[:8],
            label=label,
            expires_at=None,
            now=now(),
            audit=self.entry("create_api_key", "user", user_id),
        )
        return key_id, plain

    async def create_account(self, parsed: argparse.Namespace, user_id: int, grant: Grant) -> int:
        """Create an account with a grant of the user; return its id."""
        exchange_id = parse_exchange_id(parsed.exchange_id)
        is_paper = exchange_id.startswith("paper.")
        environment = "paper" if is_paper else "testnet" if parsed.testnet else "live"
        account_id = await self.registry.create_account(
            exchange_id=exchange_id,
            label=parsed.label,
            position_mode=parsed.position_mode,
            environment=environment,
            is_testnet=bool(parsed.testnet),
            extra_config=getattr(parsed, "extra_config", None) or "{}",
            trader_name=None,
            now=now(),
            audit=self.entry("create_account", "account", parsed.label),
        )
        await self.grant(user_id, account_id, grant)
        return account_id

    async def grant(self, user_id: int, account_id: int, grant: Grant) -> None:
        """Give the user and all his keys these permissions on the account."""
        await self.registry.grant(
            user_id=user_id,
            account_id=account_id,
            grant=grant,
            now=now(),
            audit=self.entry("grant", "account", account_id),
        )


def parse_exchange_id(text: str) -> str:
    """Return ``<engine>.<venue>``; without an engine ``ccxt``. Raises ``CommandFailed``."""
    full = text if "." in text else f"ccxt.{text}"
    if full.partition(".")[0] not in ("paper", "ccxt", "ccxtpro"):
        raise CommandFailed(
            f"unsupported_engine: {text!r} is not paper.*, ccxt.* or ccxtpro.*", status=2
        )
    return full


def cli_actor() -> AuditContext:
    """Return the audit context of the operating system's user."""
    return AuditContext(actor=f"cli:{_os_user()}", at=now())


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def _os_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # users of containers may have no name
        return str(os.getuid())
