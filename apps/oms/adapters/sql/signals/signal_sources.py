"""Sources of signals and the keys that may post to them."""

from collections.abc import Sequence
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.errors import DuplicateKey
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.registry.audited_writer import AuditedResult, AuditedWriter
from oms.domain.errors import Conflict, NotFound
from oms.domain.signals.signal import SignalKind
from oms.domain.signals.source import SignalSource, SourceRefusal
from oms.domain.unique_name import unique_name_key
from oms.ports.audit_log import AuditContext
from oms.wire.json import dumps, loads
from oms.wire.signals.source_rows import source_audit_row
from oms.wire.signals.source_settings import load_settings, settings_row

_COLUMNS = (
    *("id", "name", "name_key", "kind", "account_id", "account_group_id", "strategy_id"),
    *("token_hash", "old_token_hash", "secret_enc", "old_secret_enc", "rotate_until"),
    *("settings_json", "status", "created_at", "updated_at"),
)
_INSERT = BulkInsert(table="signal_sources", columns=_COLUMNS)
_INSERT_KEY = BulkInsert(table="signal_source_keys", columns=("api_key_id", "kind", "source_id"))
_OWN_COLUMNS = ("last_seen_at", "last_refused_at", "last_refused_reason", "last_refused_text")
"""Those that a change of the source leaves alone."""
_SELECTED = f"SELECT {', '.join(_COLUMNS + _OWN_COLUMNS)} FROM signal_sources"


class SqlSignalSources(AuditedWriter):
    """``ports.signals.signal_sources.SignalSources``."""

    async def all(self) -> Sequence[SignalSource]:
        """Return all sources, ascending by id."""
        return await self._read("1 = 1", ())

    async def find(self, source_id: int) -> SignalSource | None:
        """Return a source."""
        return await self._first(f"id = {self._dialect.param}", (source_id,))

    async def of_name(self, name: str) -> SignalSource | None:
        """Return the source with this name, regardless of case."""
        return await self._first(f"name_key = {self._dialect.param}", (unique_name_key(name),))

    async def of_token(self, token_hash: str) -> SignalSource | None:
        """Return the source that has, or had before its last rotation, this path token."""
        param = self._dialect.param
        where = f"token_hash = {param} OR old_token_hash = {param}"
        return await self._first(where, (token_hash, token_hash))

    async def of_key(self, api_key_id: int, kind: SignalKind) -> SignalSource | None:
        """Return the source of a kind that a key may post to."""
        param = self._dialect.param
        where = (
            "id = (SELECT source_id FROM signal_source_keys"
            f" WHERE api_key_id = {param} AND kind = {param})"
        )
        return await self._first(where, (api_key_id, kind.value))

    async def next_id(self) -> int:
        """Return the id of a source to be created."""
        return await self._ids.allocate("signal_source")

    async def create(self, source: SignalSource, audit_context: AuditContext) -> None:
        """Store a new source. Raises ``Conflict``, ``NotFound``."""

        async def work(session: Session) -> AuditedResult[None]:
            await _check_target(session, source)
            await _INSERT(session, [self._to_row(source)])
            await _replace_keys(session, source)
            entry = audit_context.entry(
                "create_signal_source",
                "signal_source",
                source.id,
                after=dumps(source_audit_row(source)),
                account_id=source.account_id,
            )
            return None, [entry]

        await self._write_unique(work, audit_context)

    async def change(
        self, before: SignalSource, after: SignalSource, action: str, audit_context: AuditContext
    ) -> None:
        """Replace a source. Raises ``Conflict``, ``NotFound``."""

        async def work(session: Session) -> AuditedResult[None]:
            param = session.dialect.param
            text = f"SELECT updated_at FROM signal_sources WHERE id = {param}"
            stored = await session.fetch(text + session.dialect.for_update, (before.id,))
            if not stored or session.dialect.decode_time(stored[0][0]) != before.updated_at:
                raise Conflict("the source was changed meanwhile; read it again")
            await _check_target(session, after)
            sets = ", ".join(f"{name} = {param}" for name in _COLUMNS[1:])
            await session.execute(
                f"UPDATE signal_sources SET {sets} WHERE id = {param}",
                (*self._to_row(after)[1:], after.id),
            )
            await _replace_keys(session, after)
            entry = audit_context.entry(
                action,
                "signal_source",
                after.id,
                before=dumps(source_audit_row(before)),
                after=dumps(source_audit_row(after)),
                account_id=after.account_id,
            )
            return None, [entry]

        await self._write_unique(work, audit_context)

    async def record_refusal(self, source_id: int, refusal: SourceRefusal) -> None:
        """Store the last refusal of a source, unless a later one is stored."""
        param, moment = self._dialect.param, self._dialect.encode_time(refusal.refused_at)

        async def work(session: Session) -> int:
            return await session.execute(
                f"UPDATE signal_sources SET last_refused_at = {param},"
                f" last_refused_reason = {param}, last_refused_text = {param} WHERE id = {param}"
                f" AND (last_refused_at IS NULL OR last_refused_at < {param})",
                (moment, refusal.reason, refusal.message, source_id, moment),
            )

        await self._database.commit(work)

    async def _write_unique(self, work: Any, audit_context: AuditContext) -> None:
        try:
            await self._write_audited(work, audit_context.at)
        except DuplicateKey as error:
            message = "the name is taken, or a key posts to another source of this kind"
            raise Conflict(message) from error

    async def _first(self, where: str, values: Sequence[Any]) -> SignalSource | None:
        found = await self._read(where, values)
        return found[0] if found else None

    async def _read(self, where: str, values: Sequence[Any]) -> Sequence[SignalSource]:
        async def work(session: Session) -> tuple[Sequence[Any], Sequence[Any]]:
            found = await session.fetch(f"{_SELECTED} WHERE {where} ORDER BY id", values)
            if not found:
                return found, ()
            ids = [row[0] for row in found]
            keys = await session.fetch(
                "SELECT source_id, api_key_id FROM signal_source_keys"
                f" WHERE source_id IN ({session.dialect.params(len(ids))}) ORDER BY api_key_id",
                ids,
            )
            return found, keys

        found, keys = await self._database.read(work)
        return [
            self._from_row(row, tuple(key for source, key in keys if source == row[0]))
            for row in found
        ]

    def _to_row(self, source: SignalSource) -> tuple[Any, ...]:
        dialect = self._dialect
        return (
            *(source.id, source.name, unique_name_key(source.name), source.kind.value),
            *(source.account_id, source.account_group_id, source.strategy_id),
            *(source.token_hash, source.old_token_hash),
            *(source.sealed_secret, source.old_sealed_secret),
            dialect.encode_optional_time(source.rotate_until),
            dumps(settings_row(source.settings)),
            "active" if source.is_active else "disabled",
            *(dialect.encode_time(source.created_at), dialect.encode_time(source.updated_at)),
        )

    def _from_row(self, row: Any, api_key_ids: tuple[int, ...]) -> SignalSource:
        dialect, kind = self._dialect, SignalKind(row[3])
        return SignalSource(
            id=row[0],
            name=row[1],
            kind=kind,
            account_id=row[4],
            account_group_id=row[5],
            strategy_id=row[6],
            token_hash=row[7],
            old_token_hash=row[8],
            sealed_secret=row[9],
            old_sealed_secret=row[10],
            rotate_until=dialect.decode_optional_time(row[11]),
            settings=load_settings(kind, loads(row[12])),
            is_active=row[13] == "active",
            created_at=dialect.decode_time(row[14]),
            updated_at=dialect.decode_time(row[15]),
            last_seen_at=dialect.decode_optional_time(row[16]),
            last_refusal=None
            if row[17] is None
            else SourceRefusal(
                refused_at=dialect.decode_time(row[17]), reason=row[18], message=row[19]
            ),
            api_key_ids=api_key_ids,
        )


async def _check_target(session: Session, source: SignalSource) -> None:
    """Raise ``NotFound`` if account, group, strategy or a key of the source does not exist."""
    named: list[tuple[str, int | None, str]] = [
        ("accounts", source.account_id, "account_not_found"),
        ("account_groups", source.account_group_id, "not_found"),
        ("strategies", source.strategy_id or None, "strategy_not_found"),
    ]
    named += [("user_api_keys", key_id, "not_found") for key_id in source.api_key_ids]
    for table, row_id, code in named:
        text = f"SELECT id FROM {table} WHERE id = {session.dialect.param}"
        if row_id is not None and not await session.fetch(text, (row_id,)):
            raise NotFound(f"there is no row {row_id} of {table}", code=code)


async def _replace_keys(session: Session, source: SignalSource) -> None:
    text = f"DELETE FROM signal_source_keys WHERE source_id = {session.dialect.param}"
    await session.execute(text, (source.id,))
    if source.api_key_ids:
        values = [(key_id, source.kind.value, source.id) for key_id in source.api_key_ids]
        await _INSERT_KEY(session, values)
