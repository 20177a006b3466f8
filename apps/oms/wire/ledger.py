"""Rows of orders, deals and positions as the wire shows them: every key always present.

Values are JSON's own types, so the fast writer can be used.
"""

from typing import Any

from oms.domain.deal import Deal
from oms.domain.money import ZERO, plain
from oms.domain.order import Order, OrderState
from oms.domain.position import Position, PositionState
from oms.wire.json import optional_decimal, optional_time, time_text

Row = dict[str, Any]


def order_status(state: OrderState) -> str:
    """The frozen word for a state: an expired order is shown as CANCELED."""
    return "CANCELED" if state is OrderState.EXPIRED else str(state)


def order_row(order: Order) -> Row:
    """An order; decimals as text, times as RFC 3339, absent values ``None``."""
    fee_currency, fee = _main_fee(order)
    return {
        "id": order.id,
        "command_id": order.command_id,
        "account_id": order.account_id,
        "symbol": order.symbol,
        "side": str(order.side),
        "order_type": order.order_type,
        "status": order_status(order.state),
        "strategy_id": order.strategy_id,
        "position_id": order.position_id,
        "previous_position_id": order.previous_position_id,
        "reason": order.reason,
        "comment": order.comment,
        "client_order_id": order.client_order_id,
        "exchange_order_id": order.exchange_order_id,
        "qty": plain(order.qty),
        "price": optional_decimal(order.price),
        "stop_loss": optional_decimal(order.stop_loss),
        "stop_gain": optional_decimal(order.stop_gain),
        "filled_qty": plain(order.filled_qty),
        "avg_fill_price": optional_decimal(order.avg_fill_price),
        "edit_replace_state": order.edit_replace_state,
        "edit_replace_at": optional_time(order.edit_replace_at),
        "edit_replace_orphan_order_id": None,
        "edit_replace_origin_order_id": None,
        "created_at": time_text(order.created_at),
        "updated_at": time_text(order.updated_at),
        "closed_at": optional_time(order.closed_at),
        "state": str(order.state),
        "pending_change": order.pending_change,
        "remaining_qty": plain(order.remaining_qty),
        "canceled_qty": plain(order.canceled_qty),
        "reconciled": order.reconciled,
        "reduce_only": order.reduce_only,
        "post_only": order.post_only,
        "time_in_force": order.time_in_force,
        "trigger_price": optional_decimal(order.trigger_price),
        "triggered_at": optional_time(order.triggered_at),
        "expires_at": optional_time(order.expires_at),
        "fee": fee,
        "fee_currency": fee_currency,
        "reject_source": order.reject_source,
        "reject_code": order.reject_code,
        "reject_message": order.reject_message,
        "replaced_by": None,
        "group_id": None,
        "parent_order_id": order.parent_order_id,
        "signal_id": None,
        "submitted_at": optional_time(order.submitted_at),
        "last_fill_at": optional_time(order.last_fill_at),
        "version": order.version,
    }


def deal_row(deal: Deal) -> Row:
    """A deal."""
    return {
        "id": deal.id,
        "account_id": deal.account_id,
        "order_id": deal.order_id,
        "position_id": deal.position_id,
        "previous_position_id": deal.previous_position_id,
        "symbol": deal.symbol,
        "side": str(deal.side),
        "qty": plain(deal.qty),
        "price": plain(deal.price),
        "fee": optional_decimal(deal.fee),
        "fee_currency": deal.fee_currency,
        "pnl": plain(deal.profit),
        "strategy_id": deal.strategy_id,
        "reason": deal.reason,
        "comment": deal.comment,
        "reconciled": deal.reconciled,
        "exchange_trade_id": deal.exchange_trade_id,
        "created_at": time_text(deal.created_at),
        "executed_at": time_text(deal.executed_at),
        "entry": str(deal.entry),
        "leg": deal.leg,
        "type": str(deal.type),
        "provisional": deal.provisional,
        "origin": deal.origin,
        "liquidity": deal.liquidity,
        "exchange_order_id": deal.exchange_order_id,
        "signal_id": None,
    }


def position_row(position: Position) -> Row:
    """A position; ``qty`` unsigned, ``side`` says which way. Marks are filled in when read."""
    merged = position.state is PositionState.MERGED
    return {
        "id": position.id,
        "account_id": position.account_id,
        "symbol": position.symbol,
        "strategy_id": position.strategy_id,
        "side": str(position.side),
        "qty": plain(position.qty.copy_abs()),
        "avg_price": plain(position.avg_price),
        "stop_loss": optional_decimal(position.stop_loss),
        "stop_gain": optional_decimal(position.stop_gain),
        "state": str(PositionState.CLOSED if merged else position.state),
        "reason": position.reason,
        "comment": position.comment,
        "opened_at": time_text(position.opened_at),
        "updated_at": time_text(position.updated_at),
        "closed_at": optional_time(position.closed_at),
        "identifier": position.identifier,
        "previous_position_id": position.previous_position_id,
        "qty_opened": plain(position.qty_opened),
        "qty_closed": plain(position.qty_closed),
        "max_qty": plain(position.max_qty),
        "realized_pnl": plain(position.realized_pnl),
        "fees": {currency: plain(fee) for currency, fee in position.fees.items()},
        "funding": plain(position.funding),
        "mark_price": None,
        "mark_at": None,
        "unrealized_pnl": None,
        "close_price": optional_decimal(position.close_price),
        "close_reason": position.close_reason,
        "merged_into": position.merged_into,
        "external": position.external,
        "protection": "none",
        "version": position.version,
    }


def _main_fee(order: Order) -> tuple[str | None, str | None]:
    """Currency and amount of the largest fee: orders that pay in two are rare."""
    if not order.fees:
        return None, None
    if len(order.fees) == 1:
        [(currency, fee)] = order.fees.items()
        return currency, plain(fee)
    currency = max(order.fees, key=lambda name: order.fees[name].copy_abs())
    return currency, plain(order.fees.get(currency, ZERO))
