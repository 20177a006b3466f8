"""Users, keys, permissions and accounts. Each change is one transaction with its audit row."""

from dataclasses import replace
from datetime import UTC, datetime

from oms.adapters.ccxt.account_check import check_account
from oms.adapters.sql.bulk import Insert
from oms.adapters.sql.database import Database, Work
from oms.adapters.sql.errors import Duplicate, InDoubt, in_doubt
from oms.adapters.sql.ids import SqlIdBlocks
from oms.adapters.sql.registry_reads import RegistryReads
from oms.adapters.sql.rows import access
from oms.adapters.sql.rows.people import told_grant
from oms.adapters.sql.session import Session
from oms.domain.access import Grant
from oms.domain.errors import Conflict, NotFound
from oms.ports.registry import AuditEntry, UserRow
from oms.wire.ccxt_allow import check_ccxt_allow
from oms.wire.json import dumps, optional_time
from oms.wire.paper_settings import paper_settings
from oms.wire.policies import check_policies

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

_ACCOUNT = Insert(
    table="accounts",
    columns=(
        "id",
        "exchange_id",
        "label",
        "position_mode",
        "environment",
        "is_testnet",
        "extra_config_json",
        "trader_name",
        "created_at",
    ),
)
_STREAM = Insert(table="account_streams", columns=("account_id",))
_LEASE = Insert(table="account_leases", columns=("account_id", "expires_at"))


class SqlRegistry(RegistryReads):
    """``ports.registry.Registry``: the writes; the reads stand in ``registry_reads``."""

    def __init__(self, database: Database, ids: SqlIdBlocks) -> None:
        super().__init__(database)
        self._ids = ids

    async def create_user(
        self, *, name: str, role: str, now: datetime, audit: AuditEntry
    ) -> tuple[UserRow, bool]:
        """The user of that name and whether it was made now. Raises ``Unavailable``."""
        known = await self.user(name)
        if known is not None:
            return known, False
        await self._ids.ensure("user", 1)
        row = UserRow(id=self._ids("user"), name=name, role=role, status="active", created_at=now)

        async def work(session: Session) -> None:
            at = session.dialect.time_in(now)
            await access.USER(session, [(row.id, name, role, row.status, at)])
            after = dumps({"user_name": name, "role": role, "status": row.status})
            await self._audit(session, audit, now, row.id, after)

        try:
            await self._write(work)
        except Duplicate:
            known = await self.user(name)
            assert known is not None, "the name is taken"
            return known, False
        return row, True

    async def create_key(
        self,
        *,
        user_id: int,
        key_hash: str,
        key_prefix: str,
        label: str | None,
        expires_at: datetime | None,
        now: datetime,
        audit: AuditEntry,
    ) -> int:
        """A new key with its user's template of grants; its id.

        Raises ``Conflict``, ``NotFound``, ``Unavailable``.
        """
        await self._ids.ensure("key", 1)
        key_id = self._ids("key")
        dialect = self._dialect
        expires, at = dialect.optional_time_in(expires_at), dialect.time_in(now)
        row = (key_id, user_id, label, key_hash, key_prefix, "active", expires, at)

        async def work(session: Session) -> None:
            owner = f"SELECT id FROM users WHERE id = {dialect.mark}"
            if not await session.fetch(owner, (user_id,)):
                raise NotFound(f"user_id={user_id}", code="user_not_found")
            await access.KEY(session, [row])
            await _copy_template(session, user_id, key_id, now)
            told = {
                "user_id": user_id,
                "label": label,
                "status": "active",
                "key_prefix": key_prefix,
            }
            told["expires_at"] = optional_time(expires_at)
            await self._audit(session, audit, now, key_id, dumps(told))

        try:
            await self._write(work)
        except Duplicate as twice:
            raise Conflict("this API key is in use already") from twice
        return key_id

    async def create_account(
        self,
        *,
        exchange_id: str,
        label: str,
        position_mode: str,
        environment: str,
        is_testnet: bool,
        extra_config: str,
        trader_name: str | None,
        now: datetime,
        audit: AuditEntry,
    ) -> int:
        """A new account with its lease and event stream; its id.

        Raises ``Invalid`` where engine, environment and ``extra_config`` cannot be,
        ``Unavailable``.
        """
        check_account(exchange_id=exchange_id, environment=environment, extra_config=extra_config)
        paper_settings(extra_config, strict=True)
        check_ccxt_allow(extra_config)
        check_policies(extra_config)
        await self._ids.ensure("account", 1)
        account_id = self._ids("account")
        row = (
            account_id,
            exchange_id,
            label,
            position_mode,
            environment,
            is_testnet,
            extra_config,
            trader_name,
            self._dialect.time_in(now),
        )

        async def work(session: Session) -> None:
            await _ACCOUNT(session, [row])
            await _STREAM(session, [(account_id,)])
            await _LEASE(session, [(account_id, session.dialect.time_in(LONG_AGO))])
            told: dict[str, object] = {"exchange_id": exchange_id, "label": label}
            told |= {"position_mode": position_mode, "environment": environment}
            told["trader_name"] = trader_name
            entry = replace(audit, account_id=account_id)
            await self._audit(session, entry, now, account_id, dumps(told))

        await self._write(work)
        return account_id

    async def grant(
        self, *, user_id: int, account_id: int, grant: Grant, now: datetime, audit: AuditEntry
    ) -> None:
        """Give the user's template and all his active keys these flags.

        Raises ``Unavailable``.
        """
        flags = tuple(getattr(grant, name) for name in access.TEMPLATE_FLAGS)

        async def work(session: Session) -> None:
            at = session.dialect.time_in(now)
            await access.TEMPLATE(session, [(user_id, account_id, *flags, at)])
            keys = await session.fetch(
                "SELECT id FROM user_api_keys WHERE status = 'active'"
                f" AND user_id = {session.dialect.mark} ORDER BY id",
                (user_id,),
            )
            for (key_id,) in keys:
                await _grant_key(session, key_id, account_id, grant, now)
            entry = replace(audit, account_id=audit.account_id or account_id)
            await self._audit(session, entry, now, user_id, told_grant(grant))

        await self._write(work)

    async def _audit(
        self, session: Session, entry: AuditEntry, now: datetime, made: int, after: str | None
    ) -> None:
        if entry.after is None:
            entry = replace(entry, after=after)
        row = access.audit_values(self._ids("audit"), entry, made, now, session.dialect)
        await access.AUDIT(session, [row])

    async def _write(self, work: Work[None]) -> None:
        await self._ids.ensure("audit", 1)
        try:
            await self._database.write(work)
        except InDoubt as doubt:
            raise in_doubt() from doubt


async def _copy_template(session: Session, user_id: int, key_id: int, now: datetime) -> None:
    found = await session.fetch(
        f"SELECT account_id, {', '.join(access.TEMPLATE_FLAGS)} FROM user_account_permissions"
        f" WHERE user_id = {session.dialect.mark} ORDER BY account_id",
        (user_id,),
    )
    for row in found:
        grant = access.grant_of_template(row[1:])
        await _grant_key(session, key_id, row[0], grant, now)


async def _grant_key(
    session: Session, key_id: int, account_id: int, grant: Grant, now: datetime
) -> None:
    dialect = session.dialect
    await access.GRANT(session, [access.grant_values(key_id, account_id, grant, now, dialect)])
    await session.execute(
        "DELETE FROM api_key_strategy_permissions"
        f" WHERE api_key_id = {dialect.mark} AND account_id = {dialect.mark}",
        (key_id, account_id),
    )
    allowed = [
        (key_id, account_id, strategy_id, dialect.time_in(now))
        for strategy_id in sorted(grant.strategy_ids)
    ]
    await access.STRATEGY_GRANT(session, allowed)
