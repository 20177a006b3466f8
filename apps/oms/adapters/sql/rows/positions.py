"""Rows of ``oms_positions``: the signed quantity is stored as side and size."""

from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.statement_batch import Values
from oms.adapters.sql.rows.levels import decode_levels, encode_levels
from oms.adapters.sql.rows.text_codec import decode_fees, decode_fraction, encode_fees, truncate
from oms.domain.ledger.position import Position, PositionState
from oms.domain.money import fraction_text
from oms.domain.orders.order import Side

#: Columns set on insert, and by a replay of the symbol.
_FIXED = (
    "id",
    "account_id",
    "symbol",
    "side",
    "reason",
    "identifier",
    "previous_position_id",
    "external",
    "opened_at",
    "created_at",
)
_MUTABLE = (
    "strategy_id",
    "qty",
    "avg_price",
    "cost_exact",
    "exit_exact",
    "stop_loss",
    "stop_gain",
    "state",
    "comment",
    "qty_opened",
    "qty_closed",
    "max_qty",
    "profit",
    "realized_pnl",
    "fees",
    "funding",
    "close_price",
    "close_reason",
    "merged_into",
    "version",
    "updated_at",
    "closed_at",
    "levels_json",
)
COLUMNS = _FIXED + _MUTABLE
SELECTED = ", ".join(COLUMNS)
INSERT = BulkInsert(table="oms_positions", columns=COLUMNS)
#: Fixed columns updated by a replay that changes the first deal.
_UPDATED_BY_REPLAY = (
    "side",
    "reason",
    "identifier",
    "previous_position_id",
    "external",
    "opened_at",
)
UPSERT = BulkInsert(
    table="oms_positions", columns=COLUMNS, update_columns=_MUTABLE + _UPDATED_BY_REPLAY
)
OPEN_STATES_SQL = f"'{PositionState.OPEN.value}', '{PositionState.CLOSE_REQUESTED.value}'"
"""The states of open positions, for ``IN``."""


def position_to_row(position: Position, dialect: Dialect) -> Values:
    """Return the row of ``position`` in the order of ``COLUMNS``; created at its last update."""
    decimal, exact = dialect.encode_optional_decimal, dialect.encode_decimal
    return (
        position.id,
        position.account_id,
        position.symbol,
        str(position.side),
        position.reason,
        position.identifier,
        position.previous_position_id,
        position.external,
        dialect.encode_time(position.opened_at),
        dialect.encode_time(position.updated_at),
        position.strategy_id,
        exact(position.qty.copy_abs()),
        exact(position.avg_price),
        fraction_text(position.cost),
        fraction_text(position.exit_value),
        decimal(position.stop_loss),
        decimal(position.stop_gain),
        str(position.state),
        truncate(position.comment),
        exact(position.qty_opened),
        exact(position.qty_closed),
        exact(position.max_qty),
        exact(position.profit),
        exact(position.realized_pnl),
        encode_fees(position.fees),
        exact(position.funding),
        decimal(position.close_price),
        position.close_reason,
        position.merged_into,
        position.version,
        dialect.encode_time(position.updated_at),
        dialect.encode_optional_time(position.closed_at),
        encode_levels(position.levels),
    )


def position_from_row(row: Any, dialect: Dialect) -> Position:
    """Return the position of a row of ``SELECTED``."""
    decimal, exact = dialect.decode_optional_decimal, dialect.decode_decimal
    side, size = Side(row[3]), exact(row[11])
    return Position(
        id=row[0],
        account_id=row[1],
        symbol=row[2],
        side=side,
        reason=row[4],
        identifier=row[5],
        previous_position_id=row[6],
        external=bool(row[7]),
        opened_at=dialect.decode_time(row[8]),
        strategy_id=row[10],
        qty=size if side is Side.BUY or not size else size.copy_negate(),
        avg_price=exact(row[12]),
        cost=decode_fraction(row[13]),
        exit_value=decode_fraction(row[14]),
        stop_loss=decimal(row[15]),
        stop_gain=decimal(row[16]),
        state=PositionState(row[17]),
        comment=row[18],
        qty_opened=exact(row[19]),
        qty_closed=exact(row[20]),
        max_qty=exact(row[21]),
        profit=exact(row[22]),
        realized_pnl=exact(row[23]),
        fees=decode_fees(row[24]),
        funding=exact(row[25]),
        close_price=decimal(row[26]),
        close_reason=row[27],
        merged_into=row[28],
        version=row[29],
        updated_at=dialect.decode_time(row[30]),
        closed_at=dialect.decode_optional_time(row[31]),
        levels=decode_levels(row[32]),
    )
