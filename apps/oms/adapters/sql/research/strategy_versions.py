"""Rows of ``strategy_versions``."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.coordination.id_blocks import SqlIdBlocks
from oms.domain.errors import Conflict
from oms.ports.research.strategy_versions import KnownVersion, StrategyVersion
from oms.strategies.catalog import Number
from oms.wire.json import loads_fast
from oms.wire.strategies.messages import decode_parameters
from oms.wire.strategies.parameters_json import canonical_json, hash_parameters

_COLUMNS = (
    *("id", "name", "version", "code_hash", "params_json", "params_hash", "created_at"),
    "checked_at",
)
_INSERT = BulkInsert(table="strategy_versions", columns=_COLUMNS)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM strategy_versions"


class SqlStrategyVersions:
    """``ports.research.strategy_versions.StrategyVersions``."""

    def __init__(self, database: Database, ids: SqlIdBlocks) -> None:
        self._database = database
        self._ids = ids
        self._dialect = database.dialect

    async def pin(
        self,
        name: str,
        version: str,
        code_hash: str,
        parameters: Mapping[str, Number],
        now: datetime,
    ) -> StrategyVersion:
        """Return the stored version with these parameters; it is stored if there is none.

        Raises ``Conflict`` with the reason ``code_changed``.
        """
        params_hash = hash_parameters(parameters)
        wanted = StrategyVersion(
            id=await self._ids.allocate("strategy_version"),
            name=name,
            version=version,
            code_hash=code_hash,
            parameters=parameters,
            params_hash=params_hash,
            created_at=now,
        )

        async def work(session: Session) -> StrategyVersion:
            await _lock(session)
            param = session.dialect.param
            rows = await session.fetch(
                f"{_SELECT} WHERE name = {param} AND version = {param}", (name, version)
            )
            stored = [self._from_row(row) for row in rows]
            _refuse_changed_code(wanted, stored)
            for each in stored:
                if each.params_hash == params_hash:
                    return each
            await _INSERT(session, [self._to_row(wanted)])
            return wanted

        return await self._database.commit(work)

    async def find(self, version_id: int) -> StrategyVersion | None:
        """Return a stored version. Raises ``Unavailable``."""
        text = f"{_SELECT} WHERE id = {self._dialect.param}"
        rows = await self._database.fetch(text, (version_id,))
        return self._from_row(rows[0]) if rows else None

    async def record_check(self, version_id: int, now: datetime) -> None:
        """Store that the look-ahead check passed. Raises ``Unavailable``."""
        param = self._dialect.param
        text = f"UPDATE strategy_versions SET checked_at = {param} WHERE id = {param}"

        async def work(session: Session) -> None:
            await session.execute(text, (session.dialect.encode_time(now), version_id))

        await self._database.commit(work)

    async def known(self) -> Sequence[KnownVersion]:
        """Return all versions of all strategies, ascending by name and by first use."""
        rows = await self._database.fetch(
            "SELECT name, version, code_hash, MAX(checked_at) FROM strategy_versions"
            " GROUP BY name, version, code_hash ORDER BY name, MIN(id)"
        )
        decode = self._dialect.decode_optional_time
        return [
            KnownVersion(name=row[0], version=row[1], code_hash=row[2], checked_at=decode(row[3]))
            for row in rows
        ]

    def _to_row(self, version: StrategyVersion) -> tuple[Any, ...]:
        encode = self._dialect.encode_optional_time
        return (
            *(version.id, version.name, version.version, version.code_hash),
            *(canonical_json(version.parameters), version.params_hash),
            *(encode(version.created_at), encode(version.checked_at)),
        )

    def _from_row(self, row: Sequence[Any]) -> StrategyVersion:
        return StrategyVersion(
            id=row[0],
            name=row[1],
            version=row[2],
            code_hash=row[3],
            parameters=decode_parameters(loads_fast(row[4])),
            params_hash=row[5],
            created_at=self._dialect.decode_time(row[6]),
            checked_at=self._dialect.decode_optional_time(row[7]),
        )


async def _lock(session: Session) -> None:
    """Let writers of versions follow each other: two must not store one with different code."""
    dialect = session.dialect
    text = f"SELECT next_id FROM id_blocks WHERE name = {dialect.param}{dialect.for_update}"
    await session.fetch(text, ("strategy_version",))


def _refuse_changed_code(wanted: StrategyVersion, stored: Sequence[StrategyVersion]) -> None:
    for each in stored:
        if each.code_hash != wanted.code_hash:
            message = (
                f"the code of strategy {wanted.name} has changed since its version"
                f" {wanted.version} first ran on {each.created_at:%Y-%m-%d}: give it a new version"
            )
            raise Conflict(message, reason="code_changed")
