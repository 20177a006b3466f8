"""MetaTrader 5 views (``view=mt5``) and the mapping of its enumerations.

Enumerations are integers, times whole seconds and milliseconds since 1970, ``magic`` is the
strategy. Quantities and prices stay exact text, missing values are ``None`` instead of zero. Return
codes of refusals are in ``wire.error_codes``.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import reduce

from oms.domain.commands.command import CommandResult, CommandStatus
from oms.domain.ledger.deal import Deal, DealEntry, DealType
from oms.domain.ledger.fee_valuation import value_at
from oms.domain.ledger.position import Position
from oms.domain.money import add, decimal_text, multiply, round_to_scale
from oms.domain.orders.order import Order, OrderState
from oms.domain.orders.order_types import LIMIT_TYPES, ORDER_TYPES
from oms.domain.performance.account_value import currencies_of
from oms.domain.side import Side
from oms.wire.error_codes import mt5_retcode
from oms.wire.json import optional_decimal_text
from oms.wire.responses.mt5_rows import Mt5DealRow, Mt5OrderRow, Mt5PositionRow, Mt5ResultRow

ORDER_TYPE: Mapping[str, tuple[int, int]] = {
    name: order_type.mt5_types for name, order_type in ORDER_TYPES.items()
}
"""ORDER_TYPE_BUY*, ORDER_TYPE_SELL*: a take-profit maps to a limit type."""

ORDER_STATE: Mapping[OrderState, int] = {
    OrderState.PENDING_SUBMIT: 0,
    OrderState.SUBMITTED: 1,
    OrderState.CANCELED: 2,
    OrderState.PARTIALLY_FILLED: 3,
    OrderState.FILLED: 4,
    OrderState.REJECTED: 5,
    OrderState.EXPIRED: 6,
    OrderState.UNKNOWN: 7,
}
"""ORDER_STATE_*; a pending change or cancel is ``ORDER_STATE_PENDING_CHANGE``."""

ORDER_STATE_PENDING_CHANGE: Mapping[str, int] = {"replace": 8, "cancel": 9}
ORDER_FILLING: Mapping[str, int] = {"FOK": 0, "IOC": 1}
FILLING_RETURN, FILLING_BOOK_OR_CANCEL = 2, 3
TIME_GTC, TIME_SPECIFIED = 0, 2
DEAL_ENTRY: Mapping[DealEntry, int] = {DealEntry.IN: 0, DealEntry.OUT: 1, DealEntry.OUT_BY: 3}
ENTRY_INOUT = 2
DEAL_TYPE: Mapping[DealType, int] = {
    DealType.BALANCE: 2,
    DealType.FUNDING: 4,
    DealType.CORRECTION: 5,
    DealType.COMMISSION: 7,
}
"""DEAL_TYPE_* of deals other than trades; a trade is 0 (buy) or 1 (sell)."""

REASON: Mapping[str, int] = {
    "manual": 0,
    "external": 0,
    "admin": 0,
    "sl": 4,
    "trailing": 4,
    "tp": 5,
    "liquidation": 6,
    "adl": 6,
    "funding": 7,
    "settlement": 8,
}
"""ORDER_REASON_*, DEAL_REASON_*; all others are ``REASON_EXPERT``."""

REASON_EXPERT = 3
POSITION_REASON_MAX = 3
PLACED, DONE, DONE_PARTIAL, TIMEOUT = 10008, 10009, 10010, 10012
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def order_view(order: Order) -> Mt5OrderRow:
    """Return the MetaTrader view of an order."""
    is_triggered = order.trigger_price is not None
    has_limit = order.order_type in LIMIT_TYPES
    return {
        "ticket": order.id,
        "type": ORDER_TYPE.get(order.order_type, (0, 1))[order.side is Side.SELL],
        "state": _order_state(order),
        "symbol": order.symbol,
        "volume_initial": decimal_text(order.qty),
        "volume_current": decimal_text(order.remaining_qty),
        "price_open": optional_decimal_text(order.trigger_price if is_triggered else order.price),
        "price_current": None,
        "price_stoplimit": optional_decimal_text(
            order.price if is_triggered and has_limit else None
        ),
        "sl": optional_decimal_text(order.stop_loss),
        "tp": optional_decimal_text(order.stop_gain),
        "type_filling": _filling(order),
        "type_time": TIME_GTC if order.expires_at is None else TIME_SPECIFIED,
        "time_setup": _seconds(order.created_at),
        "time_setup_msc": _milliseconds(order.created_at),
        "time_done": _seconds(order.closed_at),
        "time_done_msc": _milliseconds(order.closed_at),
        "time_expiration": _seconds(order.expires_at),
        "magic": order.strategy_id,
        "reason": REASON.get(order.reason, REASON_EXPERT),
        "position_id": order.position_id,
        "position_by_id": None,
        "comment": order.comment,
        "external_id": order.exchange_order_id,
    }


def deal_views(deals: Sequence[Deal]) -> list[Mt5DealRow]:
    """Return the MetaTrader views of deals; the two legs of a flip become one INOUT deal."""
    views: list[Mt5DealRow] = []
    for index, deal in enumerate(deals):
        before = deals[index - 1] if index else None
        if before is not None and _is_flip(before, deal):
            views[-1] = _flip_view(before, deal)
        else:
            views.append(_deal_view(deal))
    return views


def position_view(
    position: Position, mark: Decimal | None, profit: Decimal | None
) -> Mt5PositionRow:
    """Return the view of a position; ``mark`` and ``profit`` are shown while it is open."""
    return {
        "ticket": position.id,
        "identifier": position.identifier,
        "time": _seconds(position.opened_at),
        "time_msc": _milliseconds(position.opened_at),
        "time_update": _seconds(position.updated_at),
        "time_update_msc": _milliseconds(position.updated_at),
        "type": int(position.side is Side.SELL),
        "magic": position.strategy_id,
        "reason": min(REASON.get(position.reason, REASON_EXPERT), POSITION_REASON_MAX),
        "volume": decimal_text(position.qty.copy_abs()),
        "price_open": decimal_text(position.avg_price),
        "price_current": optional_decimal_text(mark if position.is_open else position.close_price),
        "sl": optional_decimal_text(position.stop_loss),
        "tp": optional_decimal_text(position.stop_gain),
        "swap": decimal_text(position.funding),
        "profit": optional_decimal_text(profit if position.is_open else position.profit),
        "symbol": position.symbol,
        "comment": position.comment,
        "external_id": None,
    }


def command_view(
    result: CommandResult,
    request_id: str | None,
    orders: Sequence[Order],
    deals: Sequence[Deal],
) -> Mt5ResultRow:
    """Return the MetaTrader trade result of a command that made ``orders`` and ``deals``."""
    volume = reduce(add, (deal.qty for deal in deals)) if deals else None
    order = orders[0] if orders else None
    return {
        "retcode": _retcode(result, order),
        "deal": deals[-1].id if deals else None,
        "order": result.order_id,
        "volume": optional_decimal_text(volume),
        "price": optional_decimal_text(None if order is None else order.avg_fill_price),
        "bid": None,
        "ask": None,
        "comment": None if result.error is None else result.error.message,
        "request_id": request_id,
    }


def _retcode(result: CommandResult, order: Order | None) -> int | None:
    if result.error is not None:
        return mt5_retcode(result.error)
    if result.status is CommandStatus.UNKNOWN:
        return TIMEOUT
    if not result.status.is_final:
        return PLACED
    if order is None or order.state is OrderState.FILLED or not order.is_open:
        partial = order is not None and 0 < order.filled_qty < order.qty
        return DONE_PARTIAL if partial else DONE
    return DONE_PARTIAL if order.filled_qty else PLACED


def _order_state(order: Order) -> int:
    if order.is_open and order.pending_change is not None:
        return ORDER_STATE_PENDING_CHANGE.get(order.pending_change, ORDER_STATE[order.state])
    return ORDER_STATE[order.state]


def _filling(order: Order) -> int:
    if order.post_only:
        return FILLING_BOOK_OR_CANCEL
    return ORDER_FILLING.get(order.time_in_force or "", FILLING_RETURN)


def _is_flip(first: Deal, second: Deal) -> bool:
    one = (first.account_id, first.symbol, first.exchange_trade_id)
    same = one == (second.account_id, second.symbol, second.exchange_trade_id)
    return same and (first.entry, second.entry) == (DealEntry.OUT, DealEntry.IN)


def _flip_view(closed: Deal, opened: Deal) -> Mt5DealRow:
    fees = [fee for deal in (closed, opened) if (fee := _commission(deal)) is not None]
    return _deal_view(closed) | {
        "entry": ENTRY_INOUT,
        "position_id": opened.position_id,
        "volume": decimal_text(add(closed.qty, opened.qty)),
        "commission": decimal_text(reduce(add, fees)) if fees else None,
    }


def _deal_view(deal: Deal) -> Mt5DealRow:
    is_funding = deal.type is DealType.FUNDING
    return {
        "ticket": deal.id,
        "order": deal.order_id,
        "time": _seconds(deal.executed_at),
        "time_msc": _milliseconds(deal.executed_at),
        "type": DEAL_TYPE.get(deal.type, int(deal.side is Side.SELL)),
        "entry": DEAL_ENTRY[deal.entry],
        "magic": deal.strategy_id,
        "reason": REASON.get(deal.reason, REASON_EXPERT),
        "position_id": deal.position_id,
        "volume": decimal_text(deal.qty),
        "price": decimal_text(deal.price),
        "commission": optional_decimal_text(_commission(deal)),
        "swap": decimal_text(deal.profit) if is_funding else "0",
        "profit": "0" if is_funding else decimal_text(deal.profit),
        "fee": "0",
        "symbol": deal.symbol,
        "comment": deal.comment,
        "external_id": deal.exchange_trade_id,
    }


def _commission(deal: Deal) -> Decimal | None:
    """Return what the deal cost in the settle currency, negative; ``None`` for a fee in a third
    currency without a rate.
    """
    if deal.fee is None or deal.fee_currency is None:
        return None
    if deal.fee_rate is not None:
        return value_at(deal.fee, deal.fee_rate).copy_negate()
    names = currencies_of(deal.symbol)
    if deal.fee_currency == names.settle:
        return deal.fee.copy_negate()
    if names.is_spot and deal.fee_currency == names.base and deal.type is not DealType.COMMISSION:
        return round_to_scale(multiply(deal.fee, deal.price)).copy_negate()
    return None


def _milliseconds(at: datetime | None) -> int | None:
    if at is None:
        return None
    elapsed = at - _EPOCH
    return (elapsed.days * 86_400 + elapsed.seconds) * 1000 + elapsed.microseconds // 1000


def _seconds(at: datetime | None) -> int | None:
    milliseconds = _milliseconds(at)
    return None if milliseconds is None else milliseconds // 1000
