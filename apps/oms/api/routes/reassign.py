"""``POST /oms/reassign``: orders move to a strategy, their deals and positions follow."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.deps import Caller, Doors, caller, doors
from oms.api.errors import JsonResponse, failure, refusal, request_id_of
from oms.api.results import first_error, results_of
from oms.api.routes.commands import PENDING, idempotency_key, in_flight
from oms.domain.errors import Refused
from oms.ports.queue import CommandRow
from oms.services.reassign import Reassigning, Selection
from oms.services.submit import Accepted, Ask
from oms.wire.bodies import load_body
from oms.wire.ledger import Row
from oms.wire.queries import read_wait
from oms.wire.reassign import ReassignAsk, deal_item, order_item, read_reassign
from oms.wire.results import load_result

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Errand:
    """One request: who asks what of which accounts."""

    parts: Doors
    who: Caller
    ask: ReassignAsk
    accounts: Sequence[int]
    moving: Reassigning


@router.post("/oms/reassign")
async def reassign(request: Request) -> Response:
    """Show what would be moved, or move it: all is checked first, then one command per account."""
    parts, who = doors(request), await caller(request)
    body = load_body(await request.body())
    ask = read_reassign(body, parts.clock.now(), request.headers.get("x-comment") or None)
    moving = Reassigning(registry=parts.reads.registry, history=parts.history, reads=parts.reads)
    accounts = await moving.accounts(who.principal, ask.account_ids)
    if isinstance(accounts, Refused):
        return refusal(accounts, request_id_of(request))
    errand = _Errand(parts=parts, who=who, ask=ask, accounts=accounts, moving=moving)
    if ask.is_preview:
        return JsonResponse(await _told(errand))
    wishes = await moving.wishes(who.principal, ask, accounts)
    if isinstance(wishes, Refused):
        return refusal(wishes, request_id_of(request))
    key = idempotency_key(request.headers, who.principal.user_id, request.scope["path"], body)
    accepted = await parts.submit(Ask(wishes=wishes, principal=who.principal, ip=who.ip, key=key))
    return await _applied(request, errand, accepted)


async def _applied(request: Request, errand: _Errand, accepted: Accepted) -> Response:
    """The answer once the commands have ended, or the wait is over."""
    parts, request_id = errand.parts, request_id_of(request)
    default_ms = parts.settings.commands.default_wait_ms
    wait = read_wait(request.query_params, request.headers.get("prefer"), default_ms)
    ids = [item.command_id for item in accepted.items if item.command_id is not None]
    rows = await parts.waiting(ids, 0 if accepted.replayed else wait.seconds)
    results = await results_of(accepted.items, rows, request_id, None)
    is_pending = any(row["status"] in PENDING for row in results)
    if accepted.replayed and is_pending:
        return in_flight(request_id, results)
    failed = [row for row in results if not row["ok"]]
    if len(failed) == len(results):
        return failure(first_error(failed), failed[0]["error"] | {"results": results})
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
    chosen = await errand.moving.chosen(errand.who.principal, ask, errand.accounts)
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
        "items": await _items(errand.parts, chosen),
    }


async def _items(parts: Doors, chosen: Selection) -> list[Row]:
    accounts = {order.account_id for order in chosen.orders}
    accounts |= {deal.account_id for deal in chosen.deals}
    found = await parts.reads.registry.accounts(sorted(accounts)) if accounts else ()
    exchanges = {row.account.id: row.account.exchange_id for row in found}
    orders = [order_item(order, exchanges.get(order.account_id)) for order in chosen.orders]
    return orders + [deal_item(deal, exchanges.get(deal.account_id)) for deal in chosen.deals]
