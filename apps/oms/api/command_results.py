"""Commands and their results as response rows, shared by HTTP and WebSocket."""

from collections.abc import Mapping, Sequence

from starlette.responses import Response

from oms.api.errors import detail_response, error_detail
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
    ReversePosition,
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
from oms.wire.responses.command_rows import CommandBody, CommandResultRow, ErrorDetail
from oms.wire.responses.ledger_rows import deal_row, order_row
from oms.wire.responses.mt5_rows import Mt5ResultRow
from oms.wire.responses.mt5_views import command_view

Rows = Mapping[int, CommandRow]

_BULK_COMMANDS = (
    *(CancelAllOrders, CloseAllPositions, CloseBy, MergePositions, Reassign),
    ReversePosition,
)
_OK = frozenset({CommandStatus.DONE, CommandStatus.QUEUED, CommandStatus.RUNNING})
_STATUS_TEXTS = {status: status.value for status in CommandStatus}
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
    row_queries: LedgerQueries | None,
    *,
    mt5_queries: LedgerQueries | None = None,
) -> list[CommandResultRow]:
    """Return one result per command, in their order.

    ``row_queries`` adds the orders and deals of each result, ``mt5_queries`` adds ``mt5``, the
    result as MetaTrader's. Raises ``Unavailable``.
    """
    outcomes = [_outcome_of(item, rows) for item in items]
    results = [
        _build_result(index, item, outcome, request_id)
        for index, (item, outcome) in enumerate(zip(items, outcomes, strict=True))
    ]
    queries = row_queries or mt5_queries
    if queries is None:
        return results
    order_ids = {order_id for outcome in outcomes for order_id in _order_ids(outcome)}
    created = await queries.orders_with_deals(sorted(order_ids))
    orders = {order.id: order for order in created.orders}
    for row, item, outcome in zip(results, items, outcomes, strict=True):
        if row_queries is not None:
            _add_ledger_rows(row, item.command.payload, outcome, orders, created.deals)
        if mt5_queries is not None:
            row["mt5"] = result_mt5_view(outcome, row["request_id"], created)
    return results


def result_mt5_view(
    result: CommandResult, request_id: str | None, created: OrdersWithDeals
) -> Mt5ResultRow:
    """Return a result as MetaTrader's trade result, from its orders and deals."""
    order_ids = _order_ids(result)
    orders = [order for order in created.orders if order.id in order_ids]
    deals = [deal for deal in created.deals if deal.order_id in order_ids]
    error = _error_of(result)
    reported = result if error is result.error else evolve(result, error=error)
    return command_view(reported, request_id, orders, deals)


def command_mt5_view(row: CommandRow, created: OrdersWithDeals) -> Mt5ResultRow:
    """Return a stored command as MetaTrader's trade result."""
    return result_mt5_view(_load_result(row), row.request_id, created)


def failure_response(failed: Sequence[CommandResultRow], **more: object) -> Response:
    """Return the error response of commands that all failed: the first error, and ``more``."""
    error = failed[0]["error"]
    assert error is not None, "a failed command has an error"
    return detail_response(refused_of(error), {**error, **more})


def refused_of(error: ErrorDetail) -> Refused:
    """Return the refusal that an error object was built from."""
    return Refused(
        code=error["code"],
        message=error["message"],
        reason=error["reason"],
        outcome=error["outcome"] or "not_sent",
    )


def command_row(row: CommandRow, deals: Sequence[Deal], orders: Sequence[Order]) -> CommandBody:
    """Return the row of a stored command with the ids of its orders, deals and positions."""
    result = _load_result(row)
    order_ids = _order_ids(result)
    own_deals = [deal for deal in deals if deal.order_id in order_ids]
    positions = {*result.position_ids, *(deal.position_id for deal in own_deals)}
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
        "deal_ids": sorted({*result.deal_ids, *(deal.id for deal in own_deals)}),
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
    """Return the ids of the orders that commands created or changed, ascending."""
    return sorted({order_id for row in rows for order_id in _order_ids(_load_result(row))})


def _outcome_of(item: SubmitItemResult, rows: Rows) -> CommandResult:
    if item.refused is not None:
        return CommandResult(status=CommandStatus.REFUSED, error=item.refused)
    row = rows.get(item.command_id or 0)
    if row is None:
        return CommandResult(status=CommandStatus.QUEUED)  # stored, but not readable now
    return _load_result(row)


def _load_result(row: CommandRow) -> CommandResult:
    return load_result(row.status, row.error, row.result, row.order_id)


def _build_result(
    index: int, item: SubmitItemResult, outcome: CommandResult, request_id: str
) -> CommandResultRow:
    """Return a result whose ledger rows are ``None``."""
    payload = item.command.payload
    error = _error_of(outcome)
    order_id = outcome.order_id
    if order_id is None and item.command_id is not None:
        order_id = _single_order_id(payload)
    client_order_id = (
        payload.client_order_id if isinstance(payload, (SendOrder, ClosePosition)) else None
    )
    row: CommandResultRow = {
        "index": index,
        "ok": outcome.status in _OK,
        "command_id": item.command_id,
        "order_id": order_id,
        "error": None
        if error is None
        else error_detail(error, request_id, command=command_type_of(payload)),
        "status": _STATUS_TEXTS[outcome.status],
        "request_id": item.command.request_id,
        "client_order_id": outcome.client_order_id or client_order_id,
        "replayed": item.replayed or outcome.replayed,
        "order": None,
        "deals": None,
        "orders": None,
    }
    if outcome.deferred_command_id is not None:
        row["deferred_command_id"] = outcome.deferred_command_id
    return row


def _error_of(result: CommandResult) -> Refused | None:
    if result.error is not None or result.status is not CommandStatus.UNKNOWN:
        return result.error
    message = "the exchange may have executed this; its outcome is being queried"
    return Refused(code="outcome_unknown", message=message, outcome="unknown")


def _single_order_id(payload: CommandPayload) -> int | None:
    match payload:
        case ChangeOrder(order_id=order_id) | CancelOrder(order_ids=(order_id,)):
            return order_id
        case _:
            return None


def _is_bulk(payload: CommandPayload) -> bool:
    """Return whether a command's result lists several orders."""
    match payload:
        case CancelOrder(order_ids=order_ids):
            return len(order_ids) > 1
        case _:
            return isinstance(payload, _BULK_COMMANDS)


def _order_ids(result: CommandResult) -> tuple[int, ...]:
    single = () if result.order_id is None else (result.order_id,)
    return tuple(sorted({*result.order_ids, *(row[0] for row in result.skipped), *single}))


def _add_ledger_rows(
    row: CommandResultRow,
    payload: CommandPayload,
    result: CommandResult,
    orders: Mapping[int, Order],
    deals: Sequence[Deal],
) -> None:
    """Add the order, deals or orders of a result, as they apply."""
    own_orders = [orders[order_id] for order_id in _order_ids(result) if order_id in orders]
    if _is_bulk(payload):
        row["orders"] = [order_row(order) for order in own_orders] if own_orders else None
    elif own_orders:
        row["order"] = order_row(own_orders[0])
        row["deals"] = [deal_row(deal) for deal in deals if deal.order_id == own_orders[0].id]
