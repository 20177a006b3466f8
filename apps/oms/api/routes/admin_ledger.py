"""The ledger as an admin sees it, all accounts together, and sets single rows of it right."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.command_results import build_results
from oms.api.context import COMMENT_CHARACTERS_MAX, ApiContext, api_context, require_permission
from oms.api.errors import JsonResponse, detail_response, error_detail, request_id_of
from oms.api.routes.pagination import envelope
from oms.api.row_views import deal_rows, order_rows, position_rows
from oms.domain.access import Permission
from oms.domain.commands.account_commands import MutateItem
from oms.domain.errors import NotFound, Refused
from oms.domain.value import evolve
from oms.ports.command_queue import CommandRow
from oms.ports.history_reads import HistoryQuery, Page
from oms.services.submission.submit import SubmitRequest, SubmitResult
from oms.wire.admin.row_mutations import ENTITIES, account_of, mutate_command, read_items, row_id
from oms.wire.commands.command_requests import CommandRequest
from oms.wire.commands.result_codec import load_result
from oms.wire.error_codes import error_mapping_of
from oms.wire.json import loads
from oms.wire.query_parameters import read_admin_query, read_wait
from oms.wire.request_body import load_body
from oms.wire.responses.ledger_rows import Row

router = APIRouter()

VIEWS = ("open_orders", "history_orders", "open_positions", "history_positions", "deals")
OPEN_ROWS_MAX = 5000


@router.get("/admin/oms/{view}")
async def view(request: Request, view: str) -> Response:
    """A page of orders, positions or deals of the accounts named, or of all."""
    await require_permission(request, Permission.ADMIN)
    if view not in VIEWS:
        raise NotFound(f"the views are {', '.join(VIEWS)}")
    context = api_context(request)
    window = read_admin_query(request.query_params, context.clock.now())
    known = [row.account.id for row in await context.reads.registry.accounts()]
    for account_id in window.account_ids:
        if account_id not in known:
            raise NotFound(f"account_id={account_id}", code="account_not_found")
    window = evolve(window, account_ids=window.account_ids or tuple(known))
    if not window.account_ids:
        return JsonResponse(envelope([], Page(items=(), total=0, next_after_id=None), window))
    shown, page = await _page(request, context, view, window)
    return JsonResponse(envelope(shown, page, window))


async def _page(
    request: Request, context: ApiContext, view: str, window: HistoryQuery
) -> tuple[list[Row], Page[Any]]:
    history, query = context.history, request.query_params
    page: Page[Any]
    match view:
        case "open_orders":
            page = _cut(await history.open_orders(window, OPEN_ROWS_MAX), window)
            return order_rows(page.items, query), page
        case "history_orders":
            page = await history.orders(window)
            return order_rows(page.items, query), page
        case "open_positions":
            page = _cut(await history.open_positions(window, OPEN_ROWS_MAX), window)
            return await position_rows(context, page.items, query), page
        case "history_positions":
            page = await history.positions(window)
            return await position_rows(context, page.items, query), page
        case _:
            page = await history.deals(window)
            return deal_rows(page.items, query), page


def _cut(rows: Sequence[Any], window: HistoryQuery) -> Page[Any]:
    """A page of rows that are all here."""
    start = (window.page - 1) * window.page_size
    items = rows[start : start + window.page_size]
    return Page(items=items, total=len(rows), next_after_id=None)


@router.post("/admin/oms/{entity}/mutate")
async def mutate(request: Request, entity: str) -> Response:
    """Set rows right, each by itself: one command per account, the answers in input order."""
    who = await require_permission(request, Permission.ADMIN)
    if entity not in ENTITIES:
        raise NotFound(f"what is set right is one of {', '.join(ENTITIES)}")
    context, body = api_context(request), load_body(await request.body())
    items = read_items(entity, body, context.settings.commands.items_max)
    said = (request.headers.get("x-comment") or "")[:COMMENT_CHARACTERS_MAX] or None
    owners = await _owners(context, entity, items)
    told: dict[int, Row] = {
        item.index: _missing(item, entity) for item in items if item.index not in owners
    }
    commands = [
        CommandRequest(payload=mutate_command(entity, mine, said), account_id=account_id)
        for account_id, mine in _by_account(items, owners).items()
    ]
    if not commands:
        return _answer(request, entity, told)
    accepted = await context.submit(
        SubmitRequest(commands=commands, principal=who.principal, ip=who.ip)
    )
    return await _done(request, entity, told, accepted)


async def _owners(context: ApiContext, entity: str, items: Sequence[MutateItem]) -> dict[int, int]:
    """The account of each item, by its index; those of unknown rows are left out."""
    ids = sorted({row_id(item) for item in items} - {0})
    rows: Sequence[Any]
    match entity:
        case "orders":
            rows = await context.history.orders_by_id(ids)
        case "positions":
            rows = await context.history.positions_by_id(ids)
        case _:
            rows = await context.history.deals_by_id(ids)
    of_row = {row.id: int(row.account_id) for row in rows}
    wanted = {account_of(item) for item in items if item.op == "insert"}
    known = {row.account.id for row in await context.reads.registry.accounts(sorted(wanted))}
    found: dict[int, int] = {}
    for item in items:
        account_id = account_of(item) if item.op == "insert" else of_row.get(row_id(item), 0)
        if account_id and (item.op != "insert" or account_id in known):
            found[item.index] = account_id
    return found


def _by_account(items: Sequence[MutateItem], owners: dict[int, int]) -> dict[int, list[MutateItem]]:
    grouped: dict[int, list[MutateItem]] = {}
    for item in items:
        if item.index in owners:
            grouped.setdefault(owners[item.index], []).append(item)
    return grouped


async def _done(
    request: Request, entity: str, told: dict[int, Row], accepted: SubmitResult
) -> Response:
    """The answer once the commands have ended, or the wait is over."""
    context, request_id = api_context(request), request_id_of(request)
    default_ms = context.settings.commands.default_wait_ms
    wait = read_wait(request.query_params, request.headers.get("prefer"), default_ms)
    ids = [item.command_id for item in accepted.items if item.command_id is not None]
    rows = await context.waiting(ids, wait.seconds)
    results = await build_results(accepted.items, rows, request_id, None)
    for placed, result in zip(accepted.items, results, strict=True):
        row = rows.get(placed.command_id or 0)
        for item in getattr(placed.command.payload, "items", ()):
            told[item.index] = _pending(item, result)
        for one in _values(row):
            told[one["index"]] = one
    response = _answer(request, entity, told, ids)
    if len(ids) == 1:
        response.headers["Location"] = f"/oms/commands/{ids[0]}"
    if wait.applied is not None:
        response.headers["Preference-Applied"] = wait.applied
    return response


def _values(row: CommandRow | None) -> list[Row]:
    """What a command that ended told of its items."""
    if row is None:
        return []
    result = load_result(row.status, row.error, row.result, row.order_id)
    return list(loads(result.value)) if result.value is not None else []


def _pending(item: MutateItem, result: Row) -> Row:
    """An item whose command has not ended, or was refused as a whole."""
    error = result["error"]
    told = _item(item, None if error is None else f"{error['code']}: {error['message']}")
    status = (
        202 if error is None else error_mapping_of(Refused(code=error["code"], message="")).status
    )
    return told | {"status": status, "ok": error is None}


def _missing(item: MutateItem, entity: str) -> Row:
    code = {"orders": "order_not_found", "positions": "position_not_found"}.get(entity, "not_found")
    message = f"there is no {entity.removesuffix('s')} {row_id(item)}"
    if item.op == "insert":
        code, message = "account_not_found", f"account_id={account_of(item)}"
    return _item(item, f"{code}: {message}") | {"status": 404, "ok": False}


def _item(item: MutateItem, error: str | None) -> Row:
    return {
        "index": item.index,
        "ok": error is None,
        "op": item.op,
        "id": row_id(item) or None,
        "error": error,
    }


def _answer(
    request: Request, entity: str, told: dict[int, Row], command_ids: Sequence[int] = ()
) -> Response:
    statuses = [told[index].pop("status") for index in sorted(told)]
    results = [told[index] for index in sorted(told)]
    failed = [row for row in results if not row["ok"]]
    body = {"entity": entity, "results": results, "command_ids": list(command_ids)}
    if failed and len(failed) == len(results):
        code, _, message = str(failed[0]["error"]).partition(": ")
        refused = Refused(code=code, message=message)
        return detail_response(refused, error_detail(refused, request_id_of(request)) | body)
    status = 207 if failed else 202 if 202 in statuses else 200
    return JsonResponse({"ok": not failed} | body, status)
