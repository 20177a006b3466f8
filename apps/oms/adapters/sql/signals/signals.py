"""Reads of signals, and repeats of stored ones."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.registry.audited_writer import AuditedResult, AuditedWriter
from oms.adapters.sql.registry.gateway_events import write_gateway_event
from oms.adapters.sql.signals import rows
from oms.domain.event import Namespace
from oms.ports.registry import AuditEntry
from oms.ports.signals.stored_signals import SignalQuery, SignalRepeat, SignalRow


class SqlSignals(AuditedWriter):
    """``ports.signals.stored_signals.Signals``."""

    async def find(self, signal_id: int) -> SignalRow | None:
        """Return a row."""
        found = await self._read(f"id = {self._dialect.param}", (signal_id,))
        return found[0] if found else None

    async def of_group(self, group_signal_id: int) -> Sequence[SignalRow]:
        """Return the rows of a signal, ascending by id."""
        return await self._read(f"group_signal_id = {self._dialect.param}", (group_signal_id,))

    async def page(self, query: SignalQuery) -> tuple[Sequence[SignalRow], int | None]:
        """Return a page and one row more, and the total if it was asked for."""
        where, values = self._conditions(query)
        param, total = self._dialect.param, None
        if query.with_total:
            text = f"SELECT COUNT(*) FROM signals WHERE {where}"
            total = int((await self._database.fetch(text, values))[0][0])
        offset = (query.page - 1) * query.page_size
        if query.after_id is not None:
            offset = 0
            if not query.descending or query.after_id:
                where += f" AND id {'<' if query.descending else '>'} {param}"
                values = (*values, query.after_id)
        direction = "DESC" if query.descending else "ASC"
        text = f"{rows.SELECTED} WHERE {where} ORDER BY id {direction} LIMIT {param} OFFSET {param}"
        found = await self._database.fetch(text, (*values, query.page_size + 1, offset))
        return [rows.signal_from_row(row, self._dialect) for row in found], total

    async def counts(self) -> Mapping[int, Mapping[str, int]]:
        """Return the numbers of rows by source and status, and of repeats."""
        text = (
            "SELECT source_id, status, COUNT(*), SUM(duplicate_count) FROM signals"
            " GROUP BY source_id, status"
        )
        counts: dict[int, dict[str, int]] = {}
        for source_id, status, count, duplicates in await self._database.fetch(text):
            of_source = counts.setdefault(source_id, {"duplicate": 0})
            of_source[status] = int(count)
            of_source["duplicate"] += int(duplicates)
        return counts

    async def last_received(self) -> Mapping[int, datetime]:
        """Return when the last signal of each source was received."""
        newest = "SELECT MAX(id) FROM signals GROUP BY source_id, status"
        text = f"SELECT source_id, received_at FROM signals WHERE id IN ({newest})"
        found: dict[int, datetime] = {}
        for source_id, encoded in await self._database.fetch(text):
            at = self._dialect.decode_time(encoded)
            found[source_id] = max(at, found.get(source_id, at))
        return found

    async def record_duplicate(self, repeat: SignalRepeat, entry: AuditEntry, at: datetime) -> None:
        """Count a repeat of a signal, with its audit row and its event."""
        event_id = await self._ids.allocate("event")

        async def work(session: Session) -> AuditedResult[None]:
            param = session.dialect.param
            await session.execute(
                "UPDATE signals SET duplicate_count = duplicate_count + 1,"
                f" last_duplicate_at = {param} WHERE id = {param}",
                (session.dialect.encode_time(at), repeat.group_signal_id),
            )
            await write_gateway_event(
                session, event_id, repeat.event, repeat.payload, at, namespace=Namespace.SIGNAL
            )
            return None, [entry]

        await self._write_audited(work, at)

    async def _read(self, where: str, values: Sequence[Any]) -> Sequence[SignalRow]:
        found = await self._database.fetch(f"{rows.SELECTED} WHERE {where} ORDER BY id", values)
        return [rows.signal_from_row(row, self._dialect) for row in found]

    def _conditions(self, query: SignalQuery) -> tuple[str, tuple[Any, ...]]:
        param, dialect = self._dialect.param, self._dialect
        parts: list[str] = []
        values: list[Any] = []
        whole = [account for account, strategies in query.accounts.items() if strategies is None]
        if whole:
            parts.append(f"account_id IN ({dialect.params(len(whole))})")
            values += whole
        for account, strategies in query.accounts.items():
            if strategies:
                listed = dialect.params(len(strategies))
                parts.append(f"(account_id = {param} AND strategy_id IN ({listed}))")
                values += [account, *sorted(strategies)]
        conditions = [f"({' OR '.join(parts)})" if parts else "1 = 0"]
        for column, wanted in (
            ("source_id", query.source_id),
            ("bot_id", query.bot_id),
            ("kind", None if query.kind is None else query.kind.value),
            ("symbol", query.symbol),
        ):
            if wanted is not None:
                conditions.append(f"{column} = {param}")
                values.append(wanted)
        if query.statuses:
            conditions.append(f"status IN ({dialect.params(len(query.statuses))})")
            values += [status.value for status in query.statuses]
        for comparison, moment in ((">=", query.since), ("<", query.until)):
            if moment is not None:
                conditions.append(f"received_at {comparison} {param}")
                values.append(dialect.encode_time(moment))
        return " AND ".join(conditions), tuple(values)
