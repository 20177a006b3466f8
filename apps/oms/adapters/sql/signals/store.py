"""Signals stored in the transaction of their commands, and the ones stored before them.

A signal with a dedupe key is stored once for ever: its index decides. One without is a repeat of a
signal of its source with the same body and less than a window old; this is decided under the lock
of the source's row, which every such transaction changes: on a cluster only changes conflict.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.connection.statement_batch import StatementBatch
from oms.adapters.sql.queue.deduplication import SignalKey
from oms.adapters.sql.registry.gateway_events import write_gateway_event
from oms.adapters.sql.rows import access
from oms.adapters.sql.signals import rows
from oms.domain.event import Namespace
from oms.ports.command_queue import StoredSignal
from oms.ports.signals.stored_signals import NewSignal

StoredSignals = Mapping[SignalKey, StoredSignal]

_COLUMNS = "group_signal_id, source_id, dedupe_key, payload_hash, received_at"


class SameBodyStored(Exception):
    """Signals with the same bodies are stored; the transaction must be rolled back."""

    def __init__(self, stored: StoredSignals) -> None:
        super().__init__("signals with the same bodies are stored")
        self.stored = stored


def add_to(batch: StatementBatch, signals: Sequence[NewSignal]) -> None:
    """Append the statements that store signals and their audit rows."""
    dialect = batch.dialect
    values = [rows.signal_to_row(row, dialect) for signal in signals for row in signal.rows]
    if not values:
        return
    rows.INSERT.add_to(batch, values)
    access.INSERT_AUDIT.add_to(
        batch,
        [
            access.audit_to_row(each.audit_id, each.audit, 0, each.first.received_at, dialect)
            for each in signals
        ],
    )


def needs_session(signals: Sequence[NewSignal]) -> bool:
    """Return whether storing the signals needs reads or events in the same transaction."""
    return any(each.same_body_since is not None or each.events for each in signals)


async def refuse_same_bodies(session: Session, signals: Sequence[NewSignal]) -> None:
    """Lock the sources of signals without dedupe key. Raises ``SameBodyStored``."""
    windows = [each for each in signals if each.same_body_since is not None]
    dialect, param = session.dialect, session.dialect.param
    seen: dict[int, datetime] = {}
    for each in windows:
        source_id, at = each.first.source_id, each.first.received_at
        seen[source_id] = max(at, seen.get(source_id, at))
    for source_id in sorted(seen):
        text = f"UPDATE signal_sources SET last_seen_at = {param} WHERE id = {param}"
        await session.execute(text, (dialect.encode_time(seen[source_id]), source_id))
    stored: dict[SignalKey, StoredSignal] = {}
    for each in windows:
        assert each.same_body_since is not None
        first = each.first
        found = await session.fetch(
            f"SELECT {_COLUMNS} FROM signals WHERE source_id = {param} AND payload_hash = {param}"
            f" AND received_at > {param} ORDER BY id LIMIT 1",
            (first.source_id, first.payload_hash, dialect.encode_time(each.same_body_since)),
        )
        for row in found:
            stored[first.source_id, first.payload_hash] = StoredSignal(
                group_signal_id=row[0], payload_hash=row[3]
            )
    if stored:
        raise SameBodyStored(stored)


async def write_events(session: Session, signals: Sequence[NewSignal]) -> None:
    """Write the events of signals that are decided already, last in the transaction."""
    for signal in signals:
        for event_id, event_type, payload in signal.events:
            at = signal.first.received_at
            await write_gateway_event(
                session, event_id, event_type, payload, at, namespace=Namespace.SIGNAL
            )


async def read_stored(
    session: Session, signals: Sequence[NewSignal]
) -> dict[SignalKey, StoredSignal]:
    """Return the stored signals with the same dedupe keys."""
    found: dict[SignalKey, StoredSignal] = {}
    for signal in signals:
        first = signal.first
        if first.dedupe_key is None:
            continue
        param = session.dialect.param
        text = f"SELECT {_COLUMNS} FROM signals WHERE source_id = {param} AND dedupe_key = {param}"
        for row in await session.fetch(text, (first.source_id, first.dedupe_key)):
            found[row[1], row[2]] = StoredSignal(group_signal_id=row[0], payload_hash=row[3])
    return found
