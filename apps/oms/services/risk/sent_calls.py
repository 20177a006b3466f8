"""Orders that were sent by calls of ccxt methods, to recognise one that is sent twice."""

from collections.abc import Sequence
from decimal import Decimal

from oms.domain.commands.command import COMMAND_TYPES, CcxtCall, CommandStatus
from oms.domain.errors import Invalid
from oms.ports.performance.sent_orders import SentCall, SentOrder, SentOrderQuery, SentOrderReads
from oms.services.account_state.state import AccountState
from oms.services.commands.ccxt_policy import entry_of_call
from oms.wire.ccxt.trade_parser import read_trade
from oms.wire.ccxt.trade_requests import CreateOrders, CreateRequest
from oms.wire.commands.command_codec import decode_payload


async def read_sent_calls(
    reads: SentOrderReads, state: AccountState, query: SentOrderQuery, before_id: int
) -> Sequence[SentOrder]:
    """Return the orders of the query's kind in calls before a command. Raises ``Unavailable``."""
    refused = {
        command_id
        for work in state.units_of_work()
        for command_id, result in work.results.items()
        if result.status is CommandStatus.REFUSED
    }
    calls = await reads.calls(query, before_id)
    return [order for call in calls if call.id not in refused for order in _orders(call, query)]


def _orders(call: SentCall, query: SentOrderQuery) -> Sequence[SentOrder]:
    payload = decode_payload(COMMAND_TYPES[CcxtCall], call.payload)
    assert isinstance(payload, CcxtCall)
    try:
        trade = read_trade(payload.func, payload.args, payload.kwargs)
    except Invalid:
        return []  # It was refused.
    if not isinstance(trade, CreateOrders):
        return []
    wanted = (query.symbol, query.side, query.order_type)
    found = []
    for request in trade.orders:
        symbol, side, kind, trigger = call_terms(request)
        if (symbol, side, kind) == wanted and not request.reduce_only:
            found.append(
                SentOrder(
                    id=call.id,
                    qty=request.amount,
                    price=request.price,
                    trigger_price=trigger,
                    created_at=call.created_at,
                    cost=request.cost,
                    is_call=True,
                )
            )
    return found


def call_terms(request: CreateRequest) -> tuple[str, str, str, Decimal | None]:
    """Return symbol, side, order type and trigger price as those of a command.

    Raises ``Invalid`` for a trigger price that is no number.
    """
    entry = entry_of_call(request, request.amount or Decimal(0))
    return request.symbol, request.side.value, entry.order_type, entry.trigger_price
