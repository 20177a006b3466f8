"""Share links in the table ``share_links``."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.registry.audited_writer import AuditedResult, AuditedWriter
from oms.domain.share_link import ShareLink, ShareView
from oms.domain.value import evolve
from oms.ports.audit_log import AuditContext
from oms.wire.json import dumps, loads
from oms.wire.sharing.share_links import share_link_audit_row

_COLUMNS = (
    *("id", "token_hash", "api_key_id", "user_id", "created_by", "title", "view"),
    *("account_ids_json", "strategy_id", "since", "has_amounts", "created_at", "expires_at"),
    "revoked_at",
)
_INSERT = BulkInsert(table="share_links", columns=_COLUMNS)
_SELECTED = f"SELECT {', '.join(_COLUMNS)} FROM share_links"


class SqlShareLinks(AuditedWriter):
    """``ports.admin.share_links.ShareLinks``."""

    async def all(self, user_id: int | None) -> Sequence[ShareLink]:
        """Return the links of a user (``None``: of all), the newest first."""
        if user_id is None:
            return await self._read("1 = 1", ())
        return await self._read(f"user_id = {self._dialect.param}", (user_id,))

    async def of_token(self, token_hash: str) -> ShareLink | None:
        """Return the link with this token."""
        found = await self._read(f"token_hash = {self._dialect.param}", (token_hash,))
        return found[0] if found else None

    async def find(self, link_id: int) -> ShareLink | None:
        """Return a link."""
        found = await self._read(f"id = {self._dialect.param}", (link_id,))
        return found[0] if found else None

    async def create(self, link: ShareLink, audit_context: AuditContext) -> ShareLink:
        """Store a link with its audit row; returns it with its id."""
        stored = evolve(link, id=await self._ids.allocate("share_link"))

        async def work(session: Session) -> AuditedResult[ShareLink]:
            await _INSERT(session, [self._to_row(stored)])
            after = dumps(share_link_audit_row(stored))
            return stored, [
                audit_context.entry("create_share_link", "share_link", stored.id, after=after)
            ]

        return await self._write_audited(work, audit_context.at)

    async def revoke(self, link: ShareLink, at: datetime, audit_context: AuditContext) -> bool:
        """Revoke a link with its audit row; ``False`` if it is revoked already."""

        async def work(session: Session) -> AuditedResult[bool]:
            param = session.dialect.param
            changed = await session.execute(
                f"UPDATE share_links SET revoked_at = {param}"
                f" WHERE id = {param} AND revoked_at IS NULL",
                (session.dialect.encode_time(at), link.id),
            )
            if not changed:
                return False, []
            before = dumps(share_link_audit_row(link))
            return True, [
                audit_context.entry("revoke_share_link", "share_link", link.id, before=before)
            ]

        return await self._write_audited(work, audit_context.at)

    async def _read(self, where: str, values: Sequence[Any]) -> Sequence[ShareLink]:
        rows = await self._database.fetch(f"{_SELECTED} WHERE {where} ORDER BY id DESC", values)
        return [self._from_row(row) for row in rows]

    def _to_row(self, link: ShareLink) -> tuple[Any, ...]:
        dialect = self._dialect
        return (
            *(link.id, link.token_hash, link.api_key_id, link.user_id, link.created_by),
            *(link.title, link.view.value, dumps(list(link.account_ids)), link.strategy_id),
            *(dialect.encode_optional_time(link.since), link.has_amounts),
            *(dialect.encode_time(link.created_at), dialect.encode_time(link.expires_at)),
            dialect.encode_optional_time(link.revoked_at),
        )

    def _from_row(self, row: Sequence[Any]) -> ShareLink:
        dialect = self._dialect
        return ShareLink(
            id=row[0],
            token_hash=row[1],
            api_key_id=row[2],
            user_id=row[3],
            created_by=row[4],
            title=row[5],
            view=ShareView(row[6]),
            account_ids=tuple(loads(row[7])),
            strategy_id=row[8],
            since=dialect.decode_optional_time(row[9]),
            has_amounts=bool(row[10]),
            created_at=dialect.decode_time(row[11]),
            expires_at=dialect.decode_time(row[12]),
            revoked_at=dialect.decode_optional_time(row[13]),
        )
