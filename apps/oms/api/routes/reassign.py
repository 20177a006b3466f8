"""``POST /oms/reassign``: orders move to a strategy, their deals and positions follow."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.command_results import build_results, first_error
from oms.api.context import ApiContext, Caller, admit_caller, api_context
from oms.api.errors import JsonResponse, detail_response, refusal_response, request_id_of
from oms.api.routes.commands import PENDING_STATUSES, in_flight_response, read_idempotency_key
from oms.domain.errors import Refused
from oms.ports.command_queue import CommandRow
from oms.services.submission.reassign_orders import ReassignOrders, Selection
from oms.services.submission.submit import SubmitRequest, SubmitResult
from oms.wire.commands.reassign_request import ReassignRequest, deal_item, order_item, read_reassign
from oms.wire.commands.result_codec import load_result
from oms.wire.query_parameters import read_wait
from oms.wire.request_body import load_body
from oms.wire.responses.ledger_rows import Row

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Errand:
    """One request: who asks what of which accounts."""

    context: ApiContext
    who: Caller
    ask: ReassignRequest
    accounts: Sequence[int]
    moving: ReassignOrders


@router.post("/oms/reassign")
async def reassign(request: Request) -> Response:
    """Show what would be moved, or move it: all is checked first, then one command per account."""
    context, who = api_context(request), await admit_caller(request)
    body = load_body(await request.body())
    ask = read_reassign(body, context.clock.now(), request.headers.get("x-comment") or None)
    moving = ReassignOrders(
        registry=context.reads.registry, history=context.history, reads=context.reads
    )
    accounts = await moving.accounts(who.principal, ask.account_ids)
    if isinstance(accounts, Refused):
        return refusal_response(accounts, request_id_of(request))
    errand = _Errand(context=context, who=who, ask=ask, accounts=accounts, moving=moving)
    if ask.is_preview:
        return JsonResponse(await _told(errand))
    commands = await moving.commands(who.principal, ask, accounts)
    if isinstance(commands, Refused):
        return refusal_response(commands, request_id_of(request))
    key = read_idempotency_key(request.headers, who.principal.user_id, request.scope["path"], body)
    accepted = await context.submit(
        SubmitRequest(commands=commands, principal=who.principal, ip=who.ip, key=key)
    )
    return await _applied(request, errand, accepted)


async def _applied(request: Request, errand: _Errand, accepted: SubmitResult) -> Response:
    """The answer once the commands have ended, or the wait is over."""
    context, request_id = errand.context, request_id_of(request)
    default_ms = context.settings.commands.default_wait_ms
    wait = read_wait(request.query_params, request.headers.get("prefer"), default_ms)
    ids = [item.command_id for item in accepted.items if item.command_id is not None]
    rows = await context.waiting(ids, 0 if accepted.replayed else wait.seconds)
    results = await build_results(accepted.items, rows, request_id, None)
    is_pending = any(row["status"] in PENDING_STATUSES for row in results)
    if accepted.replayed and is_pending:
        return in_flight_response(request_id, results)
    failed = [row for row in results if not row["ok"]]
    if len(failed) == len(results):
        return detail_response(first_error(failed), failed[0]["error"] | {"results": results})
    body = await _told(errand, list(rows.values())) | {"ok": not failed, "command_ids": ids}
    if len(ids) == 1:
        body["command_id"] = ids[0]
    if failed:
        body["results"] = results
    response = JsonResponse(body, 207 if failed else 202 if is_pending else 200)
    if len(ids) == 1:
        response.headers["Location"] = f"/oms/commands/{ids[0]}"
    if accepted.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    if wait.applied is not None:
        response.headers["Preference-Applied"] = wait.applied
    return response


async def _told(errand: _Errand, moved: Sequence[CommandRow] = ()) -> Row:
    ask = errand.ask
    chosen = await errand.moving.select(errand.who.principal, ask, errand.accounts)
    results = [load_result(row.status, row.error, row.result, row.order_id) for row in moved]
    return {
        "ok": True,
        "deals_updated": sum(len(result.deal_ids) for result in results),
        "orders_updated": sum(len(result.order_ids) for result in results),
        "deals_total": chosen.deals_total,
        "orders_total": chosen.orders_total,
        "preview": ask.is_preview,
        "page": ask.page,
        "page_size": ask.page_size,
        "items": await _items(errand.context, chosen),
    }


async def _items(context: ApiContext, chosen: Selection) -> list[Row]:
    accounts = {order.account_id for order in chosen.orders}
    accounts |= {deal.account_id for deal in chosen.deals}
    found = await context.reads.registry.accounts(sorted(accounts)) if accounts else ()
    exchanges = {row.account.id: row.account.exchange_id for row in found}
    orders = [order_item(order, exchanges.get(order.account_id)) for order in chosen.orders]
    return orders + [deal_item(deal, exchanges.get(deal.account_id)) for deal in chosen.deals]
