"""Rows of MetaTrader 5 views: orders, deals, positions and trade results."""

from typing_extensions import TypedDict

from oms.wire.responses.value_types import Count, DecimalText, Id


class Mt5OrderRow(TypedDict):
    """An order as MetaTrader's structure."""

    ticket: Id
    type: int
    state: int
    symbol: str
    volume_initial: DecimalText
    volume_current: DecimalText
    price_open: DecimalText | None
    price_current: DecimalText | None
    price_stoplimit: DecimalText | None
    sl: DecimalText | None
    tp: DecimalText | None
    type_filling: int
    type_time: int
    time_setup: int | None
    time_setup_msc: int | None
    time_done: int | None
    time_done_msc: int | None
    time_expiration: int | None
    magic: Count
    reason: int
    position_id: Count
    position_by_id: Id | None
    comment: str | None
    external_id: str | None


class Mt5DealRow(TypedDict):
    """A deal as MetaTrader's structure."""

    ticket: Id
    order: Id | None
    time: int | None
    time_msc: int | None
    type: int
    entry: int
    magic: Count
    reason: int
    position_id: Count
    volume: DecimalText
    price: DecimalText
    commission: DecimalText | None
    swap: DecimalText
    profit: DecimalText
    fee: DecimalText
    symbol: str
    comment: str | None
    external_id: str | None


class Mt5PositionRow(TypedDict):
    """A position as MetaTrader's structure."""

    ticket: Id
    identifier: Id
    time: int | None
    time_msc: int | None
    time_update: int | None
    time_update_msc: int | None
    type: int
    magic: Count
    reason: int
    volume: DecimalText
    price_open: DecimalText
    price_current: DecimalText | None
    sl: DecimalText | None
    tp: DecimalText | None
    swap: DecimalText
    profit: DecimalText | None
    symbol: str
    comment: str | None
    external_id: str | None


class Mt5ResultRow(TypedDict):
    """The result of a command as MetaTrader's trade result."""

    retcode: int | None
    deal: Id | None
    order: Id | None
    volume: DecimalText | None
    price: DecimalText | None
    bid: DecimalText | None
    ask: DecimalText | None
    comment: str | None
    request_id: str | None
