"""A fill that is told after the cancel, and has happened before it."""

import asyncio
from datetime import datetime

from loopback.exchange.account import Account
from loopback.exchange.rows import AccountUpdate, OrderRow, OrderState, OrderUpdate
from loopback.exchange.venue_actions import fill_order
from loopback.server.faults import Fault
from oms.domain.money import multiply, round_down_to_step
from oms.domain.value import evolve
from oms.simulation.inputs import CancelOrder


def is_resting(row: OrderRow) -> bool:
    """Whether it stands in the book: only such an order is filled before it is canceled."""
    is_waiting = row.state is OrderState.UNTRIGGERED
    return row.order.price is not None and row.state.is_open and not is_waiting


def fill_after_cancel(account: Account, row: OrderRow, fault: Fault, now: datetime) -> None:
    """Execute ``share`` of the order, cancel what is left, and tell the cancel first.

    The books are right at once; the stream says for ``ms`` that nothing more was executed.
    """
    step = account.settings.instruments[row.order.symbol].step
    share = fault.told.get("share", 1)
    qty = round_down_to_step(multiply(row.remaining, type(row.remaining)(str(share))), step)
    with account.capture_updates() as told:
        if qty:
            account.take(fill_order(account, row.order_id, qty, now), {})
        if account.orders[row.order_id].state.is_open:
            order = row.order
            account.do(
                CancelOrder(
                    client_id=order.client_id,
                    exchange_order_id=order.exchange_order_id,
                    symbol=order.symbol,
                    at=now,
                )
            )
    early = evolve(row, state=OrderState.CANCELED, updated_at=now)
    account.tell([OrderUpdate(row=early)])
    late: list[AccountUpdate] = list(told)
    pause = fault.number("ms", 300) / 1000
    asyncio.get_running_loop().call_later(pause, account.tell, late)
