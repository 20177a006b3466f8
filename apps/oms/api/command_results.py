"""Commands and their outcomes as rows of an answer: the same for HTTP and WebSocket."""

from collections.abc import Mapping, Sequence

from oms.api.errors import error_detail
from oms.domain.commands.command import (
    CancelAllOrders,
    CancelOrder,
    ChangeOrder,
    CloseAllPositions,
    CloseBy,
    ClosePosition,
    CommandPayload,
    CommandResult,
    CommandStatus,
    MergePositions,
    Reassign,
    SendOrder,
)
from oms.domain.errors import Refused
from oms.domain.ledger.deal import Deal
from oms.domain.orders.order import Order
from oms.domain.value import evolve
from oms.ports.command_queue import CommandRow
from oms.services.queries.ledger_queries import LedgerQueries, OrdersWithDeals
from oms.services.submission.submit import SubmitItemResult
from oms.wire.commands.command_codec import command_type_of
from oms.wire.commands.result_codec import load_result
from oms.wire.json import loads, optional_time_text, time_text
from oms.wire.responses.ledger_rows import Row, deal_row, order_row
from oms.wire.responses.mt5_views import command_view

Rows = Mapping[int, CommandRow]

_OVER_SEVERAL = (CancelAllOrders, CloseAllPositions, CloseBy, MergePositions, Reassign)
_OK = frozenset({CommandStatus.DONE, CommandStatus.QUEUED, CommandStatus.RUNNING})
_LEGACY = {
    CommandStatus.QUEUED: "accepted",
    CommandStatus.RUNNING: "accepted",
    CommandStatus.UNKNOWN: "accepted",
    CommandStatus.DONE: "completed",
    CommandStatus.FAILED: "failed",
    CommandStatus.REFUSED: "failed",
}


async def build_results(
    items: Sequence[SubmitItemResult],
    rows: Rows,
    request_id: str,
    made_from: LedgerQueries | None,
    *,
    mt5_from: LedgerQueries | None = None,
) -> list[Row]:
    """One result per wish, in their order; with order and deals if ``made_from`` is given.

    ``mt5_from`` adds ``mt5``: the result in MetaTrader's words.
    """
    ended = [_ended(item, rows) for item in items]
    results = [
        _result(index, item, one, request_id)
        for index, (item, one) in enumerate(zip(items, ended, strict=True))
    ]
    read = made_from or mt5_from
    if read is None:
        return results
    order_ids = {order_id for one in ended for order_id in _orders_of(one)}
    made = await read.orders_with_deals(sorted(order_ids))
    orders = {order.id: order for order in made.orders}
    for row, item, one in zip(results, items, ended, strict=True):
        if made_from is not None:
            row |= _made(item.command.payload, one, orders, made.deals)
        if mt5_from is not None:
            row["mt5"] = result_mt5_view(one, row["request_id"], made)
    return results


def result_mt5_view(ended: CommandResult, request_id: str | None, made: OrdersWithDeals) -> Row:
    """A result in MetaTrader's words, with what it made."""
    mine = _orders_of(ended)
    orders = [order for order in made.orders if order.id in mine]
    deals = [deal for deal in made.deals if deal.order_id in mine]
    error = _error_of(ended)
    told = ended if error is ended.error else evolve(ended, error=error)
    return command_view(told, request_id, orders, deals)


def command_mt5_view(row: CommandRow, made: OrdersWithDeals) -> Row:
    """A stored command as MetaTrader's trade result."""
    return result_mt5_view(_result_of(row), row.request_id, made)


def first_error(results: Sequence[Row]) -> Refused:
    """The error of the first result, for the status of an answer in which all failed."""
    error = results[0]["error"]
    return Refused(
        code=error["code"],
        message=error["message"],
        reason=error["reason"],
        outcome=error["outcome"] or "not_sent",
    )


def command_row(row: CommandRow, deals: Sequence[Deal], orders: Sequence[Order]) -> Row:
    """A stored command, with the ids of what it made."""
    result = _result_of(row)
    order_ids = _orders_of(result)
    mine = [deal for deal in deals if deal.order_id in order_ids]
    positions = {*result.position_ids, *(deal.position_id for deal in mine)}
    positions |= {order.position_id for order in orders if order.id in order_ids}
    error = _error_of(result)
    return {
        "command_id": row.id,
        "account_id": row.account_id,
        "command": row.command_type,
        "status": row.status.value,
        "legacy_status": _LEGACY[row.status],
        "request_id": row.request_id,
        "payload": loads(row.payload),
        "order_id": result.order_id,
        "order_ids": list(order_ids),
        "deal_ids": sorted({*result.deal_ids, *(deal.id for deal in mine)}),
        "position_ids": sorted(positions - {0}),
        "error": None if error is None else error_detail(error, "", command=row.command_type),
        "actor_user_id": row.actor.user_id,
        "actor_api_key_id": row.actor.api_key_id,
        "created_at": time_text(row.created_at),
        "started_at": optional_time_text(row.started_at),
        "finished_at": optional_time_text(row.finished_at),
        "attempts": row.attempts,
    }


def order_ids_of(rows: Sequence[CommandRow]) -> list[int]:
    """The orders that commands made or touched."""
    return sorted({order_id for row in rows for order_id in _orders_of(_result_of(row))})


def _ended(item: SubmitItemResult, rows: Rows) -> CommandResult:
    if item.refused is not None:
        return CommandResult(status=CommandStatus.REFUSED, error=item.refused)
    row = rows.get(item.command_id or 0)
    if row is None:
        return CommandResult(status=CommandStatus.QUEUED)  # stored, and not to be read just now
    return _result_of(row)


def _result_of(row: CommandRow) -> CommandResult:
    return load_result(row.status, row.error, row.result, row.order_id)


def _result(index: int, item: SubmitItemResult, ended: CommandResult, request_id: str) -> Row:
    """A result without the rows beside it: they are ``None`` where nobody asks for them."""
    payload = item.command.payload
    error = _error_of(ended)
    order_id = ended.order_id
    if order_id is None and item.command_id is not None:
        order_id = _given_order(payload)
    name = payload.client_order_id if isinstance(payload, (SendOrder, ClosePosition)) else None
    return {
        "index": index,
        "ok": ended.status in _OK,
        "command_id": item.command_id,
        "order_id": order_id,
        "error": None
        if error is None
        else error_detail(error, request_id, command=command_type_of(payload)),
        "status": ended.status.value,
        "request_id": item.command.request_id,
        "client_order_id": ended.client_order_id or name,
        "replayed": item.replayed or ended.replayed,
        "order": None,
        "deals": None,
        "orders": None,
    }


def _error_of(ended: CommandResult) -> Refused | None:
    if ended.error is not None or ended.status is not CommandStatus.UNKNOWN:
        return ended.error
    message = "the exchange may have carried this out; it is being looked up"
    return Refused(code="outcome_unknown", message=message, outcome="unknown")


def _given_order(payload: CommandPayload) -> int | None:
    match payload:
        case ChangeOrder(order_id=order_id) | CancelOrder(order_ids=(order_id,)):
            return order_id
        case _:
            return None


def _is_over_several(payload: CommandPayload) -> bool:
    """Whether a command is about orders in the plural, however many it found."""
    match payload:
        case CancelOrder(order_ids=order_ids):
            return len(order_ids) > 1
        case _:
            return isinstance(payload, _OVER_SEVERAL)


def _orders_of(ended: CommandResult) -> tuple[int, ...]:
    single = () if ended.order_id is None else (ended.order_id,)
    return tuple(sorted({*ended.order_ids, *(row[0] for row in ended.skipped), *single}))


def _made(
    payload: CommandPayload,
    ended: CommandResult,
    orders: Mapping[int, Order],
    deals: Sequence[Deal],
) -> Row:
    """The rows beside a result that apply."""
    shown = [orders[order_id] for order_id in _orders_of(ended) if order_id in orders]
    if _is_over_several(payload):
        rows = [order_row(order) for order in shown] if shown else None
        return {"orders": rows}
    if not shown:
        return {}
    mine = [deal_row(deal) for deal in deals if deal.order_id == shown[0].id]
    return {"order": order_row(shown[0]), "deals": mine}
