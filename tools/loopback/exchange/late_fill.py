"""The late fill fault: a fill that happens before a cancel but is reported after it."""

import asyncio
from datetime import datetime

from loopback.exchange.account import Account
from loopback.exchange.rows import AccountUpdate, OrderRow, OrderState, OrderUpdate
from loopback.exchange.venue_actions import fill_order
from loopback.faults import Fault
from oms.domain.money import multiply, round_down_to_step
from oms.domain.value import evolve
from oms.simulation.inputs import CancelOrder


def is_resting(row: OrderRow) -> bool:
    """Whether the order is in the order book: only such an order can be filled late."""
    is_waiting = row.state is OrderState.UNTRIGGERED
    return row.order.price is not None and row.state.is_open and not is_waiting


def fill_after_cancel(account: Account, row: OrderRow, fault: Fault, now: datetime) -> None:
    """Executes ``share`` of the order, cancels the rest, and publishes the cancel first.

    The account changes immediately; the fills are published ``ms`` later.
    """
    step = account.settings.instruments[row.order.symbol].step
    share = fault.options.get("share", 1)
    qty = round_down_to_step(multiply(row.remaining, type(row.remaining)(str(share))), step)
    with account.capture_updates() as updates:
        if qty:
            account.commit(fill_order(account, row.order_id, qty, now), {})
        if account.orders[row.order_id].state.is_open:
            order = row.order
            account.apply(
                CancelOrder(
                    client_id=order.client_id,
                    exchange_order_id=order.exchange_order_id,
                    symbol=order.symbol,
                    at=now,
                )
            )
    canceled = evolve(row, state=OrderState.CANCELED, updated_at=now)
    account.publish([OrderUpdate(row=canceled)])
    late: list[AccountUpdate] = list(updates)
    delay_seconds = fault.number("ms", 300) / 1000
    asyncio.get_running_loop().call_later(delay_seconds, account.publish, late)
