"""Groups of accounts and their members."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.errors import DuplicateKey
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.registry.audited_writer import AuditedResult, AuditedWriter
from oms.domain.account_group import AccountGroup, GroupMember
from oms.domain.errors import Conflict, NotFound
from oms.domain.money import decimal_text
from oms.domain.unique_name import unique_name_key
from oms.ports.audit_log import AuditContext
from oms.wire.json import dumps

_GROUP = BulkInsert(
    table="account_groups",
    columns=("id", "name", "name_key", "owner_user_id", "created_at", "updated_at"),
)
_MEMBER = BulkInsert(
    table="account_group_members", columns=("group_id", "account_id", "ratio", "equity_weight")
)
_Work = Callable[[Session], Awaitable[AuditedResult[int]]]


class SqlAccountGroups(AuditedWriter):
    """``ports.admin.account_groups.AccountGroups``."""

    async def all(self) -> Sequence[AccountGroup]:
        """Return all groups, ascending by id. Raises ``Unavailable``."""

        async def work(session: Session) -> tuple[Sequence[Any], Sequence[Any]]:
            groups = await session.fetch("SELECT id, name, owner_user_id FROM account_groups")
            members = await session.fetch(
                "SELECT group_id, account_id, ratio, equity_weight FROM account_group_members"
                " ORDER BY account_id"
            )
            return groups, members

        groups, rows = await self._database.read_consistent(work)
        decimal = self._dialect.decode_optional_decimal
        members: dict[int, list[GroupMember]] = {}
        for group_id, account_id, ratio, weight in rows:
            member = GroupMember(
                account_id=account_id, ratio=decimal(ratio), equity_weight=decimal(weight)
            )
            members.setdefault(group_id, []).append(member)
        return [
            AccountGroup(
                id=row[0],
                name=row[1],
                owner_user_id=row[2],
                members=tuple(members.get(row[0], ())),
            )
            for row in sorted(groups)
        ]

    async def create(
        self,
        name: str,
        owner_user_id: int,
        members: Sequence[GroupMember],
        audit_context: AuditContext,
    ) -> int:
        """Create a group; returns its id. Raises ``Conflict``, ``NotFound``."""
        group_id = await self._ids.allocate("account_group")

        async def work(session: Session) -> AuditedResult[int]:
            at = session.dialect.encode_time(audit_context.at)
            row = (group_id, name, unique_name_key(name), owner_user_id, at, at)
            await _GROUP(session, [row])
            await _insert_members(session, group_id, members)
            after = _audit_json(name, members)
            entry = audit_context.entry(
                "create_account_group", "account_group", group_id, after=after
            )
            return group_id, [entry]

        return await self._write_named(work, audit_context)

    async def replace(
        self,
        before: AccountGroup,
        name: str,
        members: Sequence[GroupMember],
        audit_context: AuditContext,
    ) -> None:
        """Replace name and members of a group. Raises ``Conflict``, ``NotFound``."""

        async def work(session: Session) -> AuditedResult[int]:
            dialect, param = session.dialect, session.dialect.param
            text = f"SELECT id FROM account_groups WHERE id = {param}{dialect.for_update}"
            if not await session.fetch(text, (before.id,)):
                raise NotFound(f"there is no group {before.id}")
            await session.execute(
                f"UPDATE account_groups SET name = {param}, name_key = {param},"
                f" updated_at = {param} WHERE id = {param}",
                (name, unique_name_key(name), dialect.encode_time(audit_context.at), before.id),
            )
            await _delete_members(session, before.id)
            await _insert_members(session, before.id, members)
            entry = audit_context.entry(
                "change_account_group",
                "account_group",
                before.id,
                before=_audit_json(before.name, before.members),
                after=_audit_json(name, members),
            )
            return before.id, [entry]

        await self._write_named(work, audit_context)

    async def delete(self, group: AccountGroup, audit_context: AuditContext) -> None:
        """Delete a group with its members. Raises ``Unavailable``."""

        async def work(session: Session) -> AuditedResult[int]:
            await _delete_members(session, group.id)
            text = f"DELETE FROM account_groups WHERE id = {session.dialect.param}"
            await session.execute(text, (group.id,))
            before = _audit_json(group.name, group.members)
            entry = audit_context.entry(
                "delete_account_group", "account_group", group.id, before=before
            )
            return group.id, [entry]

        await self._write_audited(work, audit_context.at)

    async def _write_named(self, work: _Work, audit_context: AuditContext) -> int:
        try:
            return await self._write_audited(work, audit_context.at)
        except DuplicateKey as error:
            raise Conflict("this name of a group is taken") from error


async def _insert_members(session: Session, group_id: int, members: Sequence[GroupMember]) -> None:
    dialect = session.dialect
    ids = tuple(member.account_id for member in members)
    text = f"SELECT id FROM accounts WHERE id IN ({dialect.params(len(ids))})"
    existing = {row[0] for row in await session.fetch(text, ids)}
    for account_id in ids:
        if account_id not in existing:
            raise NotFound(f"account_id={account_id}", code="account_not_found")
    decimal = dialect.encode_optional_decimal
    await _MEMBER(
        session,
        [(group_id, m.account_id, decimal(m.ratio), decimal(m.equity_weight)) for m in members],
    )


async def _delete_members(session: Session, group_id: int) -> None:
    text = f"DELETE FROM account_group_members WHERE group_id = {session.dialect.param}"
    await session.execute(text, (group_id,))


def _audit_json(name: str, members: Sequence[GroupMember]) -> str:
    rows = [
        {
            "account_id": member.account_id,
            "ratio": None if member.ratio is None else decimal_text(member.ratio),
            "equity_weight": (
                None if member.equity_weight is None else decimal_text(member.equity_weight)
            ),
        }
        for member in members
    ]
    return dumps({"name": name, "members": rows})
