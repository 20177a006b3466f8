"""Rows of ``oms_orders``."""

from decimal import Decimal
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.statement_batch import Values
from oms.adapters.sql.rows.levels import decode_levels, encode_levels
from oms.adapters.sql.rows.order_risk import decode_risk, encode_risk
from oms.adapters.sql.rows.text_codec import decode_fees, encode_fees, truncate
from oms.domain.money import decimal_text
from oms.domain.orders.execution_report import EditState
from oms.domain.orders.order import Order, OrderState, Side
from oms.wire.json import dumps, loads
from oms.wire.responses.ledger_rows import order_status

#: Columns set on insert.
_FIXED = (
    "id",
    "account_id",
    "command_id",
    "symbol",
    "side",
    "order_type",
    "reason",
    "client_order_id",
    "reduce_only",
    "post_only",
    "new_position",
    "params_json",
    "fingerprint",
    "created_at",
    "trailing_amount",
    "trailing_percent",
    "parent_order_id",
    "requested_qty",
    "requested_price",
)
_MUTABLE = (
    "status",
    "state",
    "is_open",
    "pending_change",
    "strategy_id",
    "position_id",
    "previous_position_id",
    "comment",
    "exchange_order_id",
    "qty",
    "price",
    "stop_loss",
    "stop_gain",
    "filled_qty",
    "avg_fill_price",
    "fill_value",
    "fees_json",
    "time_in_force",
    "trigger_price",
    "expires_at",
    "reject_source",
    "reject_code",
    "reject_message",
    "reconciled",
    "triggered_at",
    "submitted_at",
    "last_fill_at",
    "version",
    "updated_at",
    "closed_at",
    "ticket_id",
    "provisional_qty",
    "edit_replace_state",
    "edit_replace_at",
    "levels_json",
    "cancel_reason",
    "risk_json",
)
#: Columns among those of the insert that changes move.
_MOVED = ("trailing_amount", "trailing_percent")
#: Columns set on insert that came later: the columns keep their order.
_LATER = ("group_id", "arrival_price", "signal_id", "source_id", "bot_id")
COLUMNS = _FIXED + _MUTABLE + _LATER
SELECTED = ", ".join(COLUMNS)
INSERT = BulkInsert(table="oms_orders", columns=COLUMNS)
UPSERT = BulkInsert(table="oms_orders", columns=COLUMNS, update_columns=_MUTABLE + _MOVED)


def order_to_row(order: Order, dialect: Dialect) -> Values:
    """Return the row of ``order`` in the order of ``COLUMNS``."""
    return _fixed_values(order, dialect) + _mutable_values(order, dialect)


def _fixed_values(order: Order, dialect: Dialect) -> Values:
    decimal, time = dialect.encode_optional_decimal, dialect.encode_optional_time
    return (
        order.id,
        order.account_id,
        order.command_id,
        order.symbol,
        str(order.side),
        order.order_type,
        order.reason,
        order.client_order_id,
        order.reduce_only,
        order.post_only,
        order.new_position,
        dumps(order.params) if order.params else None,
        order.fingerprint,
        time(order.created_at),
        decimal(order.trailing_amount),
        decimal(order.trailing_percent),
        order.parent_order_id,
        decimal(order.requested_qty),
        decimal(order.requested_price),
    )


def _mutable_values(order: Order, dialect: Dialect) -> Values:
    decimal, time = dialect.encode_optional_decimal, dialect.encode_optional_time
    return (
        order_status(order.state),
        str(order.state),
        order.state.is_open,
        order.pending_change,
        order.strategy_id,
        order.position_id,
        order.previous_position_id,
        truncate(order.comment),
        order.exchange_order_id,
        decimal(order.qty),
        decimal(order.price),
        decimal(order.stop_loss),
        decimal(order.stop_gain),
        decimal(order.filled_qty),
        decimal(order.avg_fill_price),
        decimal_text(order.fill_value),
        encode_fees(order.fees),
        order.time_in_force,
        decimal(order.trigger_price),
        time(order.expires_at),
        order.reject_source,
        order.reject_code,
        truncate(order.reject_message),
        order.reconciled,
        time(order.triggered_at),
        time(order.submitted_at),
        time(order.last_fill_at),
        order.version,
        time(order.updated_at),
        time(order.closed_at),
        order.ticket_id,
        decimal(order.provisional_qty),
        None if order.edit_replace_state is None else str(order.edit_replace_state),
        time(order.edit_replace_at),
        encode_levels(order.levels),
        order.cancel_reason,
        None if order.risk is None else encode_risk(order.risk),
        order.group_id,
        decimal(order.arrival_price),
        order.signal_id,
        order.source_id,
        order.bot_id,
    )


def order_from_row(row: Any, dialect: Dialect) -> Order:
    """Return the order of a row of ``SELECTED``."""
    decimal, time = dialect.decode_optional_decimal, dialect.decode_optional_time
    return Order(
        id=row[0],
        account_id=row[1],
        command_id=row[2],
        symbol=row[3],
        side=Side(row[4]),
        order_type=row[5],
        reason=row[6],
        client_order_id=row[7],
        reduce_only=bool(row[8]),
        post_only=bool(row[9]),
        new_position=bool(row[10]),
        params=loads(row[11]) if row[11] else {},
        fingerprint=row[12],
        created_at=dialect.decode_time(row[13]),
        trailing_amount=decimal(row[14]),
        trailing_percent=decimal(row[15]),
        requested_qty=decimal(row[17]),
        requested_price=decimal(row[18]),
        state=OrderState(row[20]),
        pending_change=row[22],
        strategy_id=row[23],
        position_id=row[24],
        previous_position_id=row[25],
        comment=row[26],
        exchange_order_id=row[27],
        qty=dialect.decode_decimal(row[28]),
        price=decimal(row[29]),
        stop_loss=decimal(row[30]),
        stop_gain=decimal(row[31]),
        filled_qty=dialect.decode_decimal(row[32]),
        fill_value=Decimal(row[34]),
        fees=decode_fees(row[35]),
        time_in_force=row[36],
        trigger_price=decimal(row[37]),
        expires_at=time(row[38]),
        reject_source=row[39],
        reject_code=row[40],
        reject_message=row[41],
        reconciled=bool(row[42]),
        triggered_at=time(row[43]),
        submitted_at=time(row[44]),
        last_fill_at=time(row[45]),
        version=row[46],
        updated_at=dialect.decode_time(row[47]),
        closed_at=time(row[48]),
        ticket_id=row[49],
        provisional_qty=dialect.decode_decimal(row[50]),
        edit_replace_state=None if row[51] is None else EditState(row[51]),
        edit_replace_at=time(row[52]),
        levels=decode_levels(row[53]),
        cancel_reason=row[54],
        risk=decode_risk(row[55]),
        arrival_price=decimal(row[57]),
        **_links_of(row),
    )


def _links_of(row: Any) -> dict[str, int | None]:
    """Return the ids of rows that the order belongs to."""
    return {
        "parent_order_id": row[16],
        "group_id": row[56],
        "signal_id": row[58],
        "source_id": row[59],
        "bot_id": row[60],
    }
