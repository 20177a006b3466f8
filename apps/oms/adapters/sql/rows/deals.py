"""Rows of ``oms_deals``; the execution never changes, its position in the book may."""

from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.statement_batch import Values
from oms.adapters.sql.rows.text_codec import decode_rate, encode_rate, truncate
from oms.domain.ledger.deal import Deal, DealEntry, DealType
from oms.domain.money import ZERO
from oms.domain.orders.order import Side

COLUMNS = (
    "id",
    "account_id",
    "order_id",
    "position_id",
    "previous_position_id",
    "symbol",
    "side",
    "qty",
    "price",
    "fee",
    "fee_currency",
    "pnl",
    "strategy_id",
    "reason",
    "comment",
    "reconciled",
    "exchange_trade_id",
    "exchange_order_id",
    "leg",
    "entry",
    "type",
    "provisional",
    "origin",
    "liquidity",
    "executed_at",
    "created_at",
    "exchange_sequence",
    "opened_ticket_ids",
    "fee_rate_json",
    "signal_id",
    "source_id",
    "bot_id",
    "group_id",
)
SELECTED = ", ".join(COLUMNS)
#: Columns updated by a replay of the symbol, when a fee finds its trade or its rate becomes known,
#: or by an admin's note.
_UPDATED_BY_REPLAY = (
    "order_id",
    "position_id",
    "previous_position_id",
    "opened_ticket_ids",
    "qty",
    "price",
    "fee",
    "fee_rate_json",
    "pnl",
    "strategy_id",
    "comment",
    "reconciled",
    "entry",
)
INSERT = BulkInsert(table="oms_deals", columns=COLUMNS)
UPSERT = BulkInsert(table="oms_deals", columns=COLUMNS, update_columns=_UPDATED_BY_REPLAY)


def deal_to_row(deal: Deal, dialect: Dialect) -> Values:
    """Return the row of ``deal`` in the order of ``COLUMNS``."""
    return (
        deal.id,
        deal.account_id,
        deal.order_id,
        deal.position_id,
        deal.previous_position_id,
        deal.symbol,
        str(deal.side),
        dialect.encode_decimal(deal.qty),
        dialect.encode_decimal(deal.price),
        dialect.encode_optional_decimal(deal.fee),
        deal.fee_currency,
        dialect.encode_decimal(deal.profit),
        deal.strategy_id,
        deal.reason,
        truncate(deal.comment),
        deal.reconciled,
        deal.exchange_trade_id,
        deal.exchange_order_id,
        deal.leg,
        str(deal.entry),
        str(deal.type),
        deal.provisional,
        deal.origin,
        deal.liquidity,
        dialect.encode_time(deal.executed_at),
        dialect.encode_time(deal.created_at),
        deal.exchange_sequence,
        ",".join(map(str, deal.opened_ticket_ids)) or None,
        None if deal.fee_rate is None else encode_rate(deal.fee_rate),
        deal.signal_id,
        deal.source_id,
        deal.bot_id,
        deal.group_id,
    )


def deal_from_row(row: Any, dialect: Dialect) -> Deal:
    """Return the deal of a row of ``SELECTED``."""
    return Deal(
        id=row[0],
        account_id=row[1],
        order_id=row[2],
        position_id=row[3],
        previous_position_id=row[4],
        symbol=row[5],
        side=Side(row[6]),
        qty=dialect.decode_decimal(row[7]),
        price=dialect.decode_decimal(row[8]),
        fee=dialect.decode_optional_decimal(row[9]),
        fee_currency=row[10],
        profit=ZERO if row[11] is None else dialect.decode_decimal(row[11]),
        strategy_id=row[12],
        reason=row[13],
        comment=row[14],
        reconciled=bool(row[15]),
        exchange_trade_id=row[16] or "",
        exchange_order_id=row[17],
        leg=row[18],
        entry=DealEntry(row[19]),
        type=DealType(row[20]),
        provisional=bool(row[21]),
        origin=row[22],
        liquidity=row[23],
        executed_at=dialect.decode_time(row[24]),
        created_at=dialect.decode_time(row[25]),
        exchange_sequence=row[26],
        opened_ticket_ids=tuple(map(int, row[27].split(","))) if row[27] else (),
        fee_rate=decode_rate(row[28]) if row[28] else None,
        signal_id=row[29],
        source_id=row[30],
        bot_id=row[31],
        group_id=row[32],
    )
