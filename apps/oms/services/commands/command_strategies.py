"""The strategies that a command acts for, as the permission check needs them."""

from oms.domain.commands.account_commands import RefreshOrder, ResolveUnknownOrder
from oms.domain.commands.command import CommandPayload, Reassign
from oms.domain.commands.command_targets import (
    target_order_ids,
    target_position_ids,
    target_strategy_ids,
)
from oms.ports.ledger_store import LedgerStore
from oms.services.account_state.state import AccountState


async def strategies_of(
    state: AccountState, ledger: LedgerStore, payload: CommandPayload
) -> tuple[int, ...]:
    """Return the strategies a command names, and those of the orders and positions it names.

    A row that is not found has none: its command is refused when it is executed. Raises
    ``Unavailable``.
    """
    strategies = target_strategy_ids(payload)
    for order_id in target_order_ids(payload):
        order = state.find_order(order_id)
        if order is None and isinstance(payload, (Reassign, RefreshOrder, ResolveUnknownOrder)):
            order = await ledger.order(state.account.id, order_id)  # These act on final orders too.
        if order is not None:
            strategies += (order.strategy_id,)
    for position_id in target_position_ids(payload):
        position = state.positions.get(position_id)
        if position is not None:
            strategies += (position.strategy_id,)
    return strategies
