"""The strategies that a command acts for, as rights are asked for them."""

from oms.domain.command import (
    CancelAllOrders,
    CancelOrder,
    CcxtCall,
    ChangeOrder,
    CloseAll,
    CloseBy,
    ClosePosition,
    MergePositions,
    Payload,
    PositionChange,
    Reassign,
    SendOrder,
)
from oms.domain.control import (
    AdminMutate,
    Kill,
    PaperDeposit,
    PaperPrice,
    PaperReset,
    ReadConnection,
    Reconcile,
    Refresh,
    Resolve,
    RiskSwitch,
)
from oms.domain.discrepancy import Decide
from oms.domain.named import positions_named
from oms.domain.order import Order
from oms.services.home import Home


def strategies_of(home: Home, payload: Payload) -> tuple[int, ...]:
    """The strategies a command acts for: its own, or those of the rows it names."""
    match payload:
        case SendOrder():
            return (payload.strategy_id,)
        case ClosePosition():
            position = home.positions.get(payload.position_id)
            own = 0 if position is None else position.strategy_id
            return (own, payload.strategy_id or own)
        case ChangeOrder() | Refresh() | Resolve():
            named: tuple[Order | None, ...] = (home.known_order(payload.order_id),)
        case CancelOrder():
            named = tuple(home.known_order(order_id) for order_id in payload.order_ids)
        case Reassign():
            sources = tuple(home.known_order(order_id) for order_id in payload.order_ids)
            own_ids = {order.strategy_id for order in sources if order is not None}
            return tuple(sorted(own_ids | {payload.strategy_id}))
        case RiskSwitch(strategy_id=strategy_id):
            return (strategy_id,) if strategy_id else ()
        case CancelAllOrders() | CloseAll():
            return payload.strategy_ids
        case CloseBy() | MergePositions() | PositionChange():
            return _strategies_of_positions(home, payload)
        case PaperPrice() | PaperDeposit() | PaperReset() | CcxtCall() | Reconcile():
            return ()
        case AdminMutate() | Kill() | ReadConnection() | Decide():
            return ()
    return tuple(order.strategy_id for order in named if order is not None)


def _strategies_of_positions(
    home: Home, payload: CloseBy | MergePositions | PositionChange
) -> tuple[int, ...]:
    strategies = {payload.strategy_id} - {0} if isinstance(payload, CloseBy) else set()
    for position_id in positions_named(payload):
        position = home.positions.get(position_id)
        if position is not None:
            strategies.add(position.strategy_id)
    return tuple(sorted(strategies))
