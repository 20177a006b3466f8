"""Rows of orders, deals and positions: every key is always present.

Values are JSON types, as the fast encoder requires.
"""

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.ledger.deal import Deal, FeeRate
from oms.domain.ledger.fee_valuation import value_at
from oms.domain.ledger.position import Position, PositionState
from oms.domain.money import ZERO, decimal_text
from oms.domain.orders.order import Order, OrderState
from oms.domain.orders.order_risk import RiskStatus
from oms.domain.orders.order_types import TRAILING_STOP
from oms.domain.protection.native_orders import protection_of
from oms.wire.json import optional_decimal_text, optional_time_text, time_text
from oms.wire.responses.level_rows import NO_LEVELS, TargetRow, level_fields
from oms.wire.responses.order_fields import NO_REPLACEMENT, NO_TRAILING, trailing_fields
from oms.wire.responses.risk_rows import NO_RISK, RiskDetailRow, risk_fields
from oms.wire.responses.value_types import (
    Count,
    DecimalText,
    Id,
    SideText,
    TimeText,
    one_of,
)
from oms.wire.signals.cause_fields import cause_fields

Row = dict[str, Any]

_STATES = sorted(state.value for state in OrderState)


class OrderRow(TypedDict):
    """An order."""

    id: Id
    command_id: Id | None
    account_id: Id
    symbol: str
    side: SideText
    order_type: str
    status: Annotated[str, one_of(*(state for state in _STATES if state != OrderState.EXPIRED))]
    strategy_id: Annotated[Count, Field(description="0 is no strategy.")]
    position_id: Annotated[Count, Field(description="0 is no position.")]
    previous_position_id: Id | None
    reason: str
    comment: str | None
    client_order_id: str | None
    exchange_order_id: str | None
    qty: DecimalText
    price: DecimalText | None
    stop_loss: DecimalText | None
    stop_gain: DecimalText | None
    stop_loss_pct: DecimalText | None
    stop_gain_pct: DecimalText | None
    stop_trailing_pct: DecimalText | None
    stop_trailing_amount: DecimalText | None
    stop_trailing_activation_pct: DecimalText | None
    max_hold_seconds: Count | None
    targets: list[TargetRow] | None
    stop_trailing_from_target: Count | None
    tp_sl_base: str
    tp_sl_base_price: DecimalText | None
    filled_qty: DecimalText
    avg_fill_price: DecimalText | None
    edit_replace_state: str | None
    edit_replace_at: TimeText | None
    edit_replace_orphan_order_id: Id | None
    edit_replace_origin_order_id: Id | None
    created_at: TimeText
    updated_at: TimeText
    closed_at: TimeText | None
    state: Annotated[str, one_of(*_STATES)]
    pending_change: Annotated[str, one_of("cancel", "replace")] | None
    remaining_qty: DecimalText
    canceled_qty: DecimalText
    requested_qty: Annotated[
        DecimalText | None, Field(description="As the command gave it, before it was rounded.")
    ]
    requested_price: Annotated[
        DecimalText | None, Field(description="As the command gave it, before it was rounded.")
    ]
    risk_status: Annotated[str, one_of(*RiskStatus)] | None
    risk_code: Annotated[
        str | None, Field(description="Reason of the refusal, or of the part that was cut off.")
    ]
    risk_detail: RiskDetailRow | None
    reconciled: bool
    reduce_only: bool
    post_only: bool
    time_in_force: str | None
    trigger_price: DecimalText | None
    trailing_amount: DecimalText | None
    trailing_percent: DecimalText | None
    triggered_at: TimeText | None
    expires_at: TimeText | None
    fee: Annotated[DecimalText | None, Field(description="The largest by currency.")]
    fee_currency: str | None
    reject_source: Annotated[str, one_of("oms", "exchange")] | None
    reject_code: str | None
    reject_message: str | None
    replaced_by: Id | None
    group_id: Id | None
    cancel_reason: Annotated[
        str | None,
        Field(description="Why it was canceled without a request: `oco`, `expired`, a code."),
    ]
    parent_order_id: Id | None
    signal_id: Id | None
    source_id: Annotated[Id | None, Field(description="Source of the signal.")]
    bot_id: Annotated[Id | None, Field(description="Bot that decided the signal.")]
    submitted_at: TimeText | None
    last_fill_at: TimeText | None
    version: Count


class FeeValuationRow(TypedDict):
    """What a fee in a third currency was worth in the settle currency."""

    value: DecimalText
    rate: Annotated[DecimalText, Field(description="Settle currency per unit of its currency.")]
    source: Annotated[
        str, Field(description="The symbols whose prices gave the rate, or `execution`.")
    ]
    at: Annotated[TimeText, Field(description="Time of the price.")]


class DealRow(TypedDict):
    """A deal: one leg of an execution."""

    id: Id
    account_id: Id
    order_id: Id | None
    position_id: Count
    previous_position_id: Id | None
    symbol: str
    side: SideText
    qty: DecimalText
    price: DecimalText
    fee: Annotated[DecimalText | None, Field(description="Null until it is known.")]
    fee_currency: str | None
    fee_valuation: Annotated[
        FeeValuationRow | None,
        Field(description="Of a fee in a third currency; null: it is in none, or no rate is known"),
    ]
    pnl: DecimalText | None
    strategy_id: Count
    reason: str
    comment: str | None
    reconciled: bool
    exchange_trade_id: str | None
    created_at: TimeText
    executed_at: Annotated[TimeText, Field(description="The exchange's time.")]
    entry: Annotated[str, one_of("in", "out", "out_by")]
    leg: Count
    type: str
    provisional: bool
    origin: str
    liquidity: Annotated[str, one_of("maker", "taker")] | None
    exchange_order_id: str | None
    signal_id: Id | None
    source_id: Annotated[Id | None, Field(description="Source of the signal.")]
    bot_id: Annotated[Id | None, Field(description="Bot that decided the signal.")]
    group_id: Annotated[Id | None, Field(description="Group of the order.")]


class PositionRow(TypedDict):
    """A position; quantities are unsigned."""

    id: Id
    account_id: Id
    symbol: str
    strategy_id: Count
    side: SideText
    qty: DecimalText
    avg_price: DecimalText
    stop_loss: DecimalText | None
    stop_gain: DecimalText | None
    stop_loss_pct: DecimalText | None
    stop_gain_pct: DecimalText | None
    stop_trailing_pct: DecimalText | None
    stop_trailing_amount: DecimalText | None
    stop_trailing_activation_pct: DecimalText | None
    stop_trailing_best: Annotated[
        DecimalText | None, Field(description="Best price since the trailing stop is active.")
    ]
    max_hold_seconds: Count | None
    targets: list[TargetRow] | None
    stop_trailing_from_target: Count | None
    tp_sl_base: str
    tp_sl_base_price: DecimalText | None
    state: Annotated[str, one_of("open", "close_requested", "closed")]
    reason: str
    comment: str | None
    opened_at: TimeText
    updated_at: TimeText
    closed_at: TimeText | None
    identifier: Id
    previous_position_id: Id | None
    qty_opened: DecimalText
    qty_closed: DecimalText
    max_qty: DecimalText
    realized_pnl: DecimalText
    fees: Annotated[dict[str, DecimalText], Field(description="By currency.")]
    funding: DecimalText
    mark_price: DecimalText | None
    mark_at: TimeText | None
    unrealized_pnl: DecimalText | None
    close_price: DecimalText | None
    close_reason: str | None
    merged_into: Id | None
    external: bool
    protection: Annotated[str, one_of("none", "native", "emulated")]
    version: Count


def order_status(state: OrderState) -> str:
    """Return the published status: an expired order is CANCELED."""
    return "CANCELED" if state is OrderState.EXPIRED else str(state)


def order_row(order: Order, *, passed_limits: bool = True) -> OrderRow:
    """Return the row of an order: decimals as text, absent values ``None``; see ``risk_fields``."""
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
        **(NO_LEVELS if order.levels is None else level_fields(order.levels)),
        "filled_qty": decimal_text(order.filled_qty),
        "avg_fill_price": optional_decimal_text(order.avg_fill_price),
        "edit_replace_state": order.edit_replace_state,
        "edit_replace_at": optional_time_text(order.edit_replace_at),
        **NO_REPLACEMENT,
        "created_at": time_text(order.created_at),
        "updated_at": time_text(order.updated_at),
        "closed_at": optional_time_text(order.closed_at),
        "state": str(order.state),
        "pending_change": order.pending_change,
        "remaining_qty": decimal_text(order.remaining_qty),
        "canceled_qty": decimal_text(order.canceled_qty),
        "requested_qty": optional_decimal_text(order.requested_qty),
        "requested_price": optional_decimal_text(order.requested_price),
        **(NO_RISK if order.risk is None else risk_fields(order.risk, passed_limits=passed_limits)),
        "reconciled": order.reconciled,
        "reduce_only": order.reduce_only,
        "post_only": order.post_only,
        "time_in_force": order.time_in_force,
        "trigger_price": optional_decimal_text(order.trigger_price),
        **(trailing_fields(order) if order.order_type == TRAILING_STOP else NO_TRAILING),
        "triggered_at": optional_time_text(order.triggered_at),
        "expires_at": optional_time_text(order.expires_at),
        "fee": fee,
        "fee_currency": fee_currency,
        "reject_source": order.reject_source,
        "reject_code": order.reject_code,
        "reject_message": order.reject_message,
        "group_id": order.group_id,
        "cancel_reason": order.cancel_reason and _cancel_reason(order),
        "parent_order_id": order.parent_order_id,
        **cause_fields(order),
        "submitted_at": optional_time_text(order.submitted_at),
        "last_fill_at": optional_time_text(order.last_fill_at),
        "version": order.version,
    }


def _cancel_reason(order: Order) -> str | None:
    """Return why it was canceled; one that was marked and executed all the same was not."""
    is_canceled = order.state in (OrderState.CANCELED, OrderState.EXPIRED)
    return order.cancel_reason if is_canceled else None


def deal_row(deal: Deal) -> DealRow:
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
        "fee_valuation": None if deal.fee_rate is None else _fee_valuation(deal, deal.fee_rate),
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
        **cause_fields(deal),
        "group_id": deal.group_id,
    }


def position_row(position: Position) -> PositionRow:
    """Return the row of a position; ``qty`` is unsigned.

    Marks are set by the reader.
    """
    merged, levels = position.state is PositionState.MERGED, position.levels
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
        **(NO_LEVELS if levels is None else level_fields(levels)),
        "stop_trailing_best": (
            None if levels is None else optional_decimal_text(levels.stop_trailing_best)
        ),
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
        "protection": str(protection_of(position)),
        "version": position.version,
    }


def _fee_valuation(deal: Deal, rate: FeeRate) -> FeeValuationRow:
    return {
        "value": decimal_text(value_at(deal.fee or ZERO, rate)),
        "rate": decimal_text(rate.rate),
        "source": rate.source,
        "at": time_text(rate.at),
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
