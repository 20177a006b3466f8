"""Administration of users, API keys, account permissions, accounts and strategies.

Callers check the permission. After each change this process drops its cached authentication; other
processes notice the change when their cache expires.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from oms.domain.access import (
    Grant,
    Permission,
    Principal,
    Role,
    allowed_strategies,
    refuse,
    refuse_account,
)
from oms.domain.account import Environment
from oms.domain.errors import Forbidden, NotFound
from oms.domain.risk.policy_keys import keys_needing_equity
from oms.domain.value import evolve
from oms.ports.admin.account_admin import (
    AccountAdmin,
    AccountChange,
    CreatedAccount,
    NewAccount,
)
from oms.ports.admin.strategies import Strategies, StrategyChange, StrategyRow
from oms.ports.admin.user_admin import (
    AccountPermission,
    ApiKeyChange,
    ApiKeyRow,
    NewApiKey,
    UserAdmin,
    UserChange,
)
from oms.ports.audit_log import AuditContext, AuditLog
from oms.ports.registry import Registry, UserRow
from oms.ports.vault import Secrets
from oms.services.access.api_keys import PREFIX_CHARACTERS, generate_key
from oms.services.access.authenticate import Authenticate, hash_key
from oms.services.access.last_used import LastUsedRecorder
from oms.services.access.login import Login
from oms.services.access.passwords import Passwords
from oms.services.credentials.seal import SealCredentials
from oms.wire.json import dumps

_AUDITED_FIELDS = (
    "exchange_id",
    "label",
    "position_mode",
    "environment",
    "is_testnet",
    "extra_config",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Administer:
    """Administers users, keys and strategies. Every method raises ``Unavailable``."""

    people: UserAdmin
    strategies: Strategies
    registry: Registry
    audit_log: AuditLog
    passwords: Passwords
    login: Login
    authenticate: Authenticate
    last_use: LastUsedRecorder
    account_admin: AccountAdmin
    seal: SealCredentials
    #: Risk preset of new accounts by environment.
    risk_presets: Mapping[str, str]

    async def ensure_user(
        self, name: str, role: str, audit_context: AuditContext
    ) -> tuple[UserRow, bool]:
        """Return the user of that name and whether it was created; an existing one is unchanged."""
        entry = audit_context.entry("create_user", "user", "")
        return await self.registry.create_user(
            name=name, role=role, now=audit_context.at, audit=entry
        )

    async def create_user(
        self,
        name: str,
        role: str,
        password: str | None,
        key: NewApiKey,
        permissions: Sequence[AccountPermission],
        audit_context: AuditContext,
    ) -> tuple[int, int]:
        """Return the ids of the new user and its key. Raises ``Conflict``, ``NotFound``,
        ``Invalid``.
        """
        stored = None if password is None else await self.passwords.hash(password)
        return await self.people.create_user(name, role, stored, key, permissions, audit_context)

    async def change_user(
        self,
        user_id: int,
        role: str | None,
        status: str | None,
        password: str | None,
        audit_context: AuditContext,
    ) -> int:
        """Return the number of rows changed. Raises ``Conflict``, ``NotFound``, ``Invalid``."""
        stored = None if password is None else await self.passwords.hash(password)
        change = UserChange(role=role, status=status, password_hash=stored)
        rows = await self.people.change_user(user_id, change, audit_context)
        self.authenticate.forget_everywhere()
        return rows

    async def rename(self, user_id: int, name: str, audit_context: AuditContext) -> None:
        """Rename a user. Raises ``Conflict``."""
        await self.people.rename_user(user_id, name, audit_context)
        self.authenticate.forget_everywhere()

    async def create_key(
        self,
        user_id: int,
        key: NewApiKey,
        audit_context: AuditContext,
        keys_max: int | None = None,
    ) -> int:
        """Return the id of a new key without permissions; ``keys_max`` limits those of the user.

        Raises ``Conflict``, ``LimitReached``, ``NotFound``.
        """
        key_id = await self.people.create_key(user_id, key, audit_context, keys_max)
        # The key may have been tried, and cached as unknown, before.
        self.authenticate.forget_everywhere()
        return key_id

    async def create_granted_key(
        self, user_id: int, text: str | None, label: str | None, audit_context: AuditContext
    ) -> tuple[int, str]:
        """Return id and clear text of a new key with the account grants of its user.

        The clear text is ``text`` if it is given; it is not stored. Raises ``Conflict``,
        ``NotFound``.
        """
        clear_text = text or generate_key()
        key_id = await self.registry.create_key(
            user_id=user_id,
            key_hash=hash_key(clear_text),
            key_prefix=clear_text[:PREFIX_CHARACTERS],
            label=label,
            expires_at=None,
            now=audit_context.at,
            audit=audit_context.entry("create_api_key", "api_key", ""),
        )
        self.authenticate.forget_everywhere()
        return key_id, clear_text

    async def grant(
        self, user_id: int, account_id: int, grant: Grant, audit_context: AuditContext
    ) -> None:
        """Give the user and all his active keys these permissions on the account."""
        await self.registry.grant(
            user_id=user_id,
            account_id=account_id,
            grant=grant,
            now=audit_context.at,
            audit=audit_context.entry("grant", "account", account_id),
        )
        self.authenticate.forget_everywhere()

    async def change_key(
        self,
        key_id: int,
        change: ApiKeyChange,
        audit_context: AuditContext,
        *,
        is_by_owner: bool = False,
    ) -> int:
        """Return the number of rows changed. Raises ``Forbidden``, ``NotFound``."""
        rows = await self.people.change_key(key_id, change, audit_context, is_by_owner=is_by_owner)
        self.authenticate.forget_everywhere()
        return rows

    async def key(self, key_id: int, owner_id: int | None = None) -> ApiKeyRow:
        """Return a key; with ``owner_id`` only a key of that user. Raises ``NotFound``."""
        row = await self.people.key(key_id)
        if row is None or owner_id not in (None, row.user_id):
            raise NotFound(f"there is no API key {key_id}")
        return row

    async def set_permission(
        self, key_id: int, permit: AccountPermission, audit_context: AuditContext
    ) -> int:
        """Return the number of rows changed. Raises ``NotFound``, ``Invalid``."""
        rows = await self.people.set_permission(key_id, permit, audit_context)
        self.authenticate.forget_everywhere()
        return rows

    async def create_account(
        self, account: NewAccount, audit_context: AuditContext
    ) -> CreatedAccount:
        """Create an account, to which no key has permission, with the limits of its preset.

        Raises ``Invalid``.
        """
        preset = account.risk_preset or self.risk_presets[account.environment]
        audited = {name: getattr(account, name) for name in _AUDITED_FIELDS}
        audited["risk_preset"] = preset
        entry = audit_context.entry("create_account", "account", "", after=dumps(audited))
        account_id = await self.registry.create_account(
            exchange_id=account.exchange_id,
            label=account.label,
            position_mode=account.position_mode,
            environment=account.environment,
            is_testnet=account.is_testnet,
            extra_config=account.extra_config,
            trader_name=None,
            now=audit_context.at,
            audit=entry,
            risk_preset=preset,
        )
        # The equity of a paper account follows from its own state.
        is_known = account.environment == Environment.PAPER
        return CreatedAccount(
            id=account_id,
            risk_preset=preset,
            limits_needing_equity=() if is_known else keys_needing_equity(preset),
        )

    async def change_account(
        self,
        account_id: int,
        change: AccountChange,
        secrets: Secrets | None,
        audit_context: AuditContext,
    ) -> int:
        """Return the number of rows changed. Raises ``NotFound``, ``Invalid``, ``Conflict``."""
        rows = 1
        if secrets is not None:
            await self.seal(account_id, secrets, audit_context)
        if secrets is None or change != AccountChange():
            rows = await self.account_admin.change(account_id, change, audit_context)
        self.authenticate.forget_everywhere()
        return rows

    async def strategies_of(self, principal: Principal) -> Sequence[StrategyRow]:
        """Return the strategies on accounts the key may read, within its strategy lists."""
        rows = await self.strategies.all()
        if principal.role is Role.ADMIN:
            return rows
        visible = []
        for row in rows:
            account_ids = tuple(i for i in row.account_ids if _may_see(principal, i, row.id))
            if account_ids:
                visible.append(evolve(row, account_ids=account_ids))
        return visible

    async def create_strategy(
        self,
        principal: Principal,
        name: str,
        client_strategy_id: int | None,
        account_ids: Sequence[int],
        audit_context: AuditContext,
    ) -> int:
        """Return the id of a trader's new strategy. Raises ``Forbidden``, ``NotFound``,
        ``Conflict``.
        """
        for account_id in account_ids:
            has_grant = principal.grant(account_id) is not None
            if not has_grant and not await self.registry.accounts([account_id]):
                raise NotFound(f"account_id={account_id}", code="account_not_found")
            refused = refuse(principal, Permission.STRATEGY_CREATE, account_id)
            if refused is not None:
                raise Forbidden(refused.message, code=refused.code)
        return await self.strategies.create(name, client_strategy_id, account_ids, audit_context)

    async def change_strategy(
        self, strategy_id: int, change: StrategyChange, audit_context: AuditContext
    ) -> int:
        """Return the number of rows changed. Raises ``Conflict``, ``NotFound``."""
        return await self.strategies.change(strategy_id, change, audit_context)


def _may_see(principal: Principal, account_id: int, strategy_id: int) -> bool:
    if refuse_account(principal, Permission.READ, account_id) is not None:
        return False
    allowed = allowed_strategies(principal, account_id)
    return allowed is None or strategy_id in allowed
