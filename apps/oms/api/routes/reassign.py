"""``POST /oms/reassign``: moves orders, with their deals and positions, to a strategy."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.command_results import failure_response
from oms.api.command_submission import (
    Submission,
    in_flight_response,
    load_large_body,
    read_idempotency_key,
    submit_and_wait,
)
from oms.api.context import ApiContext, Caller, admit_caller, api_context
from oms.api.errors import JsonResponse, refusal_response, request_id_of
from oms.api.openapi.request_bodies import validated
from oms.api.openapi.route_docs import COMMAND_ERRORS, SENT_MANY, documented
from oms.domain.errors import Refused
from oms.ports.command_queue import CommandRow
from oms.services.submission.reassign_orders import ReassignOrders, Selection
from oms.wire import parameters as p
from oms.wire.commands import command_schemas
from oms.wire.commands.reassign_request import ReassignRequest, read_reassign
from oms.wire.commands.result_codec import load_result
from oms.wire.responses.reassign_rows import Reassigned, ReassignItem, deal_item, order_item

router = APIRouter()

_REASSIGN = validated(
    "Reassign",
    command_schemas.REASSIGN,
    {"account_id": 1, "order_ids": [1], "preview": True},
    more={
        "account_id": {"type": "integer", "minimum": 1},
        "account_ids": {"type": ["string", "array"], "items": {"type": "integer"}},
        **{one.name: {**one.schema} for one in (p.START_DATE, p.END_DATE, p.PAGE, p.PAGE_SIZE)},
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reassignment:
    """One request: the caller, the selection and the accounts it is about."""

    context: ApiContext
    caller: Caller
    selection: ReassignRequest
    accounts: Sequence[int]
    service: ReassignOrders


@router.post(
    "/oms/reassign",
    openapi_extra=documented(
        Reassigned,
        statuses=SENT_MANY,
        query=(*p.WAIT, p.COMMENT),
        body=_REASSIGN,
        errors=COMMAND_ERRORS,
    ),
)
async def reassign_orders(request: Request) -> Response:
    """Preview the move or make it: everything is checked first, then one command per account."""
    context, caller = api_context(request), await admit_caller(request)
    body, principal = await load_large_body(await request.body()), caller.principal
    selection = read_reassign(body, context.clock.now(), request.headers.get("x-comment") or None)
    service = ReassignOrders(
        registry=context.queries.registry, history=context.history, reads=context.queries
    )
    accounts = await service.accounts(principal, selection.account_ids)
    if isinstance(accounts, Refused):
        return refusal_response(accounts, request_id_of(request))
    reassignment = _Reassignment(
        context=context, caller=caller, selection=selection, accounts=accounts, service=service
    )
    if selection.is_preview:
        return JsonResponse(await _build_body(reassignment))
    commands = await service.commands(principal, selection, accounts)
    if isinstance(commands, Refused):
        return refusal_response(commands, request_id_of(request))
    key = await read_idempotency_key(
        request.headers, principal.user_id, request.scope["path"], body
    )
    submission = await submit_and_wait(request, caller, commands, key=key)
    return await _build_response(request, reassignment, submission)


async def _build_response(
    request: Request, reassignment: _Reassignment, submission: Submission
) -> Response:
    ids, failed, results = submission.command_ids, submission.failed, submission.results
    if submission.submitted.replayed and submission.is_pending:
        return in_flight_response(request_id_of(request), results)
    if len(failed) == len(results):
        return failure_response(failed, results=results)
    body = await _build_body(reassignment, list(submission.rows.values()))
    body["ok"], body["command_ids"] = not failed, ids
    if len(ids) == 1:
        body["command_id"] = ids[0]
    if failed:
        body["results"] = results
    status = 207 if failed else 202 if submission.is_pending else 200
    return submission.add_headers(JsonResponse(body, status))


async def _build_body(
    reassignment: _Reassignment, commands: Sequence[CommandRow] = ()
) -> Reassigned:
    """Return the selected rows and, of executed commands, how many were changed."""
    request = reassignment.selection
    selection = await reassignment.service.select(
        reassignment.caller.principal, request, reassignment.accounts
    )
    results = [load_result(row.status, row.error, row.result, row.order_id) for row in commands]
    return {
        "ok": True,
        "deals_updated": sum(len(result.deal_ids) for result in results),
        "orders_updated": sum(len(result.order_ids) for result in results),
        "deals_total": selection.deals_total,
        "orders_total": selection.orders_total,
        "preview": request.is_preview,
        "page": request.page,
        "page_size": request.page_size,
        "items": await _build_items(reassignment.context, selection),
    }


async def _build_items(context: ApiContext, selection: Selection) -> list[ReassignItem]:
    account_ids = {order.account_id for order in selection.orders}
    account_ids |= {deal.account_id for deal in selection.deals}
    rows = await context.queries.registry.accounts(sorted(account_ids)) if account_ids else ()
    exchanges = {row.account.id: row.account.exchange_id for row in rows}
    orders = [order_item(order, exchanges.get(order.account_id)) for order in selection.orders]
    deals = [deal_item(deal, exchanges.get(deal.account_id)) for deal in selection.deals]
    return orders + deals
