"""The strategies that a command acts for, as the permission check needs them."""

from oms.domain.commands.account_commands import (
    AdminMutate,
    EnforceKillSwitch,
    PaperDeposit,
    PaperPrice,
    PaperReset,
    ReadConnection,
    Reconcile,
    RefreshOrder,
    ResolveUnknownOrder,
    RiskSwitch,
)
from oms.domain.commands.command import (
    CancelAllOrders,
    CancelOrder,
    CcxtCall,
    ChangeOrder,
    ChangePosition,
    CloseAllPositions,
    CloseBy,
    ClosePosition,
    CommandPayload,
    MergePositions,
    Reassign,
    SendOrder,
)
from oms.domain.commands.command_targets import target_position_ids
from oms.domain.orders.order import Order
from oms.domain.reconcile.discrepancy import DecideDiscrepancy
from oms.services.account_state.state import AccountState


def strategies_of(state: AccountState, payload: CommandPayload) -> tuple[int, ...]:
    """Return the strategies a command acts for: its own, or those of the rows it refers to."""
    match payload:
        case SendOrder():
            return (payload.strategy_id,)
        case ClosePosition():
            position = state.positions.get(payload.position_id)
            strategy_id = 0 if position is None else position.strategy_id
            return (strategy_id, payload.strategy_id or strategy_id)
        case ChangeOrder() | RefreshOrder() | ResolveUnknownOrder():
            orders: tuple[Order | None, ...] = (state.find_order(payload.order_id),)
        case CancelOrder():
            orders = tuple(state.find_order(order_id) for order_id in payload.order_ids)
        case Reassign():
            orders = tuple(state.find_order(order_id) for order_id in payload.order_ids)
            own_ids = {order.strategy_id for order in orders if order is not None}
            return tuple(sorted(own_ids | {payload.strategy_id}))
        case RiskSwitch(strategy_id=strategy_id):
            return (strategy_id,) if strategy_id else ()
        case CancelAllOrders() | CloseAllPositions():
            return payload.strategy_ids
        case CloseBy() | MergePositions() | ChangePosition():
            return _strategies_of_positions(state, payload)
        case PaperPrice() | PaperDeposit() | PaperReset() | CcxtCall() | Reconcile():
            return ()
        case AdminMutate() | EnforceKillSwitch() | ReadConnection() | DecideDiscrepancy():
            return ()
    return tuple(order.strategy_id for order in orders if order is not None)


def _strategies_of_positions(
    state: AccountState, payload: CloseBy | MergePositions | ChangePosition
) -> tuple[int, ...]:
    strategies = {payload.strategy_id} - {0} if isinstance(payload, CloseBy) else set()
    for position_id in target_position_ids(payload):
        position = state.positions.get(position_id)
        if position is not None:
            strategies.add(position.strategy_id)
    return tuple(sorted(strategies))
