"""Rows of ``oms_deals``; the facts of a deal never change, its place in the book may."""

from typing import Any

from oms.adapters.sql.bulk import Insert
from oms.adapters.sql.dialect import Dialect
from oms.adapters.sql.rows.text import clipped
from oms.adapters.sql.script import Values
from oms.domain.deal import Deal, DealEntry, DealType
from oms.domain.money import ZERO
from oms.domain.order import Side

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
)
SELECTED = ", ".join(COLUMNS)
#: What follows when a symbol is folded again.
_FOLDED = (
    "position_id",
    "previous_position_id",
    "qty",
    "price",
    "fee",
    "pnl",
    "strategy_id",
    "entry",
)
INSERT = Insert(table="oms_deals", columns=COLUMNS)
UPSERT = Insert(table="oms_deals", columns=COLUMNS, changes=_FOLDED)


def values(deal: Deal, dialect: Dialect) -> Values:
    """The row of ``deal``, in the order of ``COLUMNS``."""
    return (
        deal.id,
        deal.account_id,
        deal.order_id,
        deal.position_id,
        deal.previous_position_id,
        deal.symbol,
        str(deal.side),
        dialect.decimal_in(deal.qty),
        dialect.decimal_in(deal.price),
        dialect.optional_decimal_in(deal.fee),
        deal.fee_currency,
        dialect.decimal_in(deal.profit),
        deal.strategy_id,
        deal.reason,
        clipped(deal.comment),
        deal.reconciled,
        deal.exchange_trade_id,
        deal.exchange_order_id,
        deal.leg,
        str(deal.entry),
        str(deal.type),
        deal.provisional,
        deal.origin,
        deal.liquidity,
        dialect.time_in(deal.executed_at),
        dialect.time_in(deal.created_at),
        deal.exchange_sequence,
    )


def deal_of(row: Any, dialect: Dialect) -> Deal:
    """The deal of a row of ``SELECTED``."""
    return Deal(
        id=row[0],
        account_id=row[1],
        order_id=row[2],
        position_id=row[3],
        previous_position_id=row[4],
        symbol=row[5],
        side=Side(row[6]),
        qty=dialect.decimal_out(row[7]),
        price=dialect.decimal_out(row[8]),
        fee=dialect.optional_decimal_out(row[9]),
        fee_currency=row[10],
        profit=ZERO if row[11] is None else dialect.decimal_out(row[11]),
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
        executed_at=dialect.time_out(row[24]),
        created_at=dialect.time_out(row[25]),
        exchange_sequence=row[26],
    )
