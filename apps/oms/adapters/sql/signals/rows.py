"""Rows of ``signals`` to values and back."""

from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.statement_batch import Values
from oms.domain.signals.signal import SignalAction, SignalKind, SignalStatus
from oms.ports.signals.stored_signals import SignalRow
from oms.wire.json import dumps, loads

COLUMNS = (
    *("id", "source_id", "dedupe_key", "payload_hash", "group_signal_id", "kind", "account_id"),
    *("strategy_id", "symbol", "action", "price", "raw_json", "received_at", "status"),
    *("reason_code", "reason", "command_ids", "order_ids", "position_id", "stop_gain"),
    *("stop_loss", "finished_at", "duplicate_count", "user_id", "api_key_id", "bot_id"),
)
SELECTED = f"SELECT {', '.join(COLUMNS)} FROM signals"
INSERT = BulkInsert(table="signals", columns=COLUMNS)


def signal_to_row(row: SignalRow, dialect: Dialect) -> Values:
    """Return the values of ``INSERT``."""
    decimal = dialect.encode_optional_decimal
    return (
        *(row.id, row.source_id, row.dedupe_key, row.payload_hash, row.group_signal_id),
        *(row.kind.value, row.account_id, row.strategy_id, row.symbol, row.action.value),
        *(decimal(row.price), row.raw, dialect.encode_time(row.received_at), row.status.value),
        *(row.reason_code, row.reason, _ids_text(row.command_ids), _ids_text(row.order_ids)),
        *(row.position_id, decimal(row.stop_gain), decimal(row.stop_loss)),
        *(dialect.encode_optional_time(row.finished_at), row.duplicate_count),
        *(row.user_id, row.api_key_id, row.bot_id),
    )


def signal_from_row(row: Any, dialect: Dialect) -> SignalRow:
    """Return the signal of a row of ``SELECTED``."""
    decimal = dialect.decode_optional_decimal
    return SignalRow(
        id=row[0],
        source_id=row[1],
        dedupe_key=row[2],
        payload_hash=row[3],
        group_signal_id=row[4],
        kind=SignalKind(row[5]),
        account_id=row[6],
        strategy_id=row[7],
        symbol=row[8],
        action=SignalAction(row[9]),
        price=decimal(row[10]),
        raw=row[11],
        received_at=dialect.decode_time(row[12]),
        status=SignalStatus(row[13]),
        reason_code=row[14],
        reason=row[15],
        command_ids=_ids(row[16]),
        order_ids=_ids(row[17]),
        position_id=row[18],
        stop_gain=decimal(row[19]),
        stop_loss=decimal(row[20]),
        finished_at=dialect.decode_optional_time(row[21]),
        duplicate_count=row[22],
        user_id=row[23],
        api_key_id=row[24],
        bot_id=row[25],
    )


def _ids_text(ids: tuple[int, ...]) -> str | None:
    return dumps(list(ids)) if ids else None


def _ids(text: str | None) -> tuple[int, ...]:
    return () if text is None else tuple(loads(text))
