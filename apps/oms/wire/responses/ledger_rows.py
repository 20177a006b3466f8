"""Rows of orders, deals and positions: every key is always present.

Values are JSON types, as the fast encoder requires.
"""

from typing import Any

from oms.domain.ledger.deal import Deal
from oms.domain.ledger.position import Position, PositionState
from oms.domain.money import ZERO, decimal_text
from oms.domain.orders.order import Order, OrderState
from oms.wire.json import optional_decimal_text, optional_time_text, time_text

Row = dict[str, Any]


def order_status(state: OrderState) -> str:
    """Return the published status: an expired order is CANCELED."""
    return "CANCELED" if state is OrderState.EXPIRED else str(state)


def order_row(order: Order) -> Row:
    """Return the row of an order; decimals as text, times as RFC 3339, absent values ``None``."""
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
        "qty": decimal_text(order.qty),
        "price": optional_decimal_text(order.price),
        "stop_loss": optional_decimal_text(order.stop_loss),
        "stop_gain": optional_decimal_text(order.stop_gain),
        "filled_qty": decimal_text(order.filled_qty),
        "avg_fill_price": optional_decimal_text(order.avg_fill_price),
        "edit_replace_state": order.edit_replace_state,
        "edit_replace_at": optional_time_text(order.edit_replace_at),
        "edit_replace_orphan_order_id": None,
        "edit_replace_origin_order_id": None,
        "created_at": time_text(order.created_at),
        "updated_at": time_text(order.updated_at),
        "closed_at": optional_time_text(order.closed_at),
        "state": str(order.state),
        "pending_change": order.pending_change,
        "remaining_qty": decimal_text(order.remaining_qty),
        "canceled_qty": decimal_text(order.canceled_qty),
        "reconciled": order.reconciled,
        "reduce_only": order.reduce_only,
        "post_only": order.post_only,
        "time_in_force": order.time_in_force,
        "trigger_price": optional_decimal_text(order.trigger_price),
        "triggered_at": optional_time_text(order.triggered_at),
        "expires_at": optional_time_text(order.expires_at),
        "fee": fee,
        "fee_currency": fee_currency,
        "reject_source": order.reject_source,
        "reject_code": order.reject_code,
        "reject_message": order.reject_message,
        "replaced_by": None,
        "group_id": None,
        "parent_order_id": order.parent_order_id,
        "signal_id": None,
        "submitted_at": optional_time_text(order.submitted_at),
        "last_fill_at": optional_time_text(order.last_fill_at),
        "version": order.version,
    }


def deal_row(deal: Deal) -> Row:
    """Return the row of a deal."""
    return {
        "id": deal.id,
        "account_id": deal.account_id,
        "order_id": deal.order_id,
        "position_id": deal.position_id,
        "previous_position_id": deal.previous_position_id,
        "symbol": deal.symbol,
        "side": str(deal.side),
        "qty": decimal_text(deal.qty),
        "price": decimal_text(deal.price),
        "fee": optional_decimal_text(deal.fee),
        "fee_currency": deal.fee_currency,
        "pnl": decimal_text(deal.profit),
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
    """Return the row of a position; ``qty`` is unsigned. Mark fields are set by the reader."""
    merged = position.state is PositionState.MERGED
    return {
        "id": position.id,
        "account_id": position.account_id,
        "symbol": position.symbol,
        "strategy_id": position.strategy_id,
        "side": str(position.side),
        "qty": decimal_text(position.qty.copy_abs()),
        "avg_price": decimal_text(position.avg_price),
        "stop_loss": optional_decimal_text(position.stop_loss),
        "stop_gain": optional_decimal_text(position.stop_gain),
        "state": str(PositionState.CLOSED if merged else position.state),
        "reason": position.reason,
        "comment": position.comment,
        "opened_at": time_text(position.opened_at),
        "updated_at": time_text(position.updated_at),
        "closed_at": optional_time_text(position.closed_at),
        "identifier": position.identifier,
        "previous_position_id": position.previous_position_id,
        "qty_opened": decimal_text(position.qty_opened),
        "qty_closed": decimal_text(position.qty_closed),
        "max_qty": decimal_text(position.max_qty),
        "realized_pnl": decimal_text(position.realized_pnl),
        "fees": {currency: decimal_text(fee) for currency, fee in position.fees.items()},
        "funding": decimal_text(position.funding),
        "mark_price": None,
        "mark_at": None,
        "unrealized_pnl": None,
        "close_price": optional_decimal_text(position.close_price),
        "close_reason": position.close_reason,
        "merged_into": position.merged_into,
        "external": position.external,
        "protection": "none",
        "version": position.version,
    }


def _main_fee(order: Order) -> tuple[str | None, str | None]:
    """Return currency and amount of the largest fee; orders with two fee currencies are rare."""
    if not order.fees:
        return None, None
    if len(order.fees) == 1:
        [(currency, fee)] = order.fees.items()
        return currency, decimal_text(fee)
    currency = max(order.fees, key=lambda name: order.fees[name].copy_abs())
    return currency, decimal_text(order.fees.get(currency, ZERO))
