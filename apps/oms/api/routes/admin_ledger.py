"""Admin reads of the ledger over all accounts, and corrections of single rows."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.command_submission import (
    Submission,
    load_large_body,
    read_header_comment,
    submit_and_wait,
)
from oms.api.context import ApiContext, api_context, require_permission
from oms.api.errors import JsonResponse, detail_response, error_detail, request_id_of
from oms.api.openapi.request_bodies import described
from oms.api.openapi.route_docs import COMMAND_ERRORS, SENT_MANY, documented
from oms.api.routes.pagination import envelope
from oms.api.routes.path_ids import VIEWS, EntityName, ViewName
from oms.api.row_views import (
    DealView,
    OrderView,
    PositionView,
    deal_rows,
    order_rows,
    position_rows,
)
from oms.domain.access import Permission
from oms.domain.commands.account_commands import MutateItem
from oms.domain.errors import NotFound, Refused
from oms.domain.value import evolve
from oms.ports.history_reads import HistoryQuery, Page
from oms.wire import parameters as p
from oms.wire.admin.row_mutations import (
    ENTITIES,
    ITEMS_SCHEMA,
    account_of,
    mutate_command,
    read_items,
    row_id,
)
from oms.wire.commands.command_requests import CommandRequest
from oms.wire.error_codes import error_mapping_of
from oms.wire.query_parameters import read_admin_query
from oms.wire.responses.command_rows import CommandResultRow, Mutated
from oms.wire.responses.ledger_rows import Row
from oms.wire.responses.value_types import PageBody
from oms.wire.steps import in_steps

router = APIRouter()

_MUTATIONS = described(
    "Mutations",
    ITEMS_SCHEMA,
    [{"op": "update", "row": {"id": 1, "comment": "manual correction"}}],
)

OPEN_ROWS_MAX = 5000


@router.get(
    "/admin/oms/{view}",
    openapi_extra=documented(
        PageBody[OrderView | DealView | PositionView], query=(*p.ADMIN_HISTORY, p.VIEW)
    ),
)
async def list_any_rows(request: Request, view: ViewName) -> Response:
    """Return a page of orders, positions or deals of the given accounts, or of all."""
    await require_permission(request, Permission.ADMIN)
    if view not in VIEWS:
        raise NotFound(f"the views are {', '.join(VIEWS)}")
    context = api_context(request)
    query = read_admin_query(request.query_params, context.clock.now())
    all_ids = [row.account.id for row in await context.queries.registry.accounts()]
    for account_id in query.account_ids:
        if account_id not in all_ids:
            raise NotFound(f"account_id={account_id}", code="account_not_found")
    query = evolve(query, account_ids=query.account_ids or tuple(all_ids))
    if not query.account_ids:
        return JsonResponse(envelope([], Page(items=(), total=0, next_after_id=None), query))
    rows, page = await _read_page(request, context, view, query)
    return JsonResponse(envelope(rows, page, query))


async def _read_page(
    request: Request, context: ApiContext, view: str, query: HistoryQuery
) -> tuple[Sequence[OrderView | DealView | PositionView], Page[Any]]:
    history, parameters = context.history, request.query_params
    page: Page[Any]
    match view:
        case "open_orders":
            page = _slice_page(await history.open_orders(query, OPEN_ROWS_MAX), query)
            return order_rows(page.items, parameters), page
        case "history_orders":
            page = await history.orders(query)
            return order_rows(page.items, parameters), page
        case "open_positions":
            page = _slice_page(await history.open_positions(query, OPEN_ROWS_MAX), query)
            return await position_rows(context, page.items, parameters), page
        case "history_positions":
            page = await history.positions(query)
            return await position_rows(context, page.items, parameters), page
        case _:
            page = await history.deals(query)
            return deal_rows(page.items, parameters), page


def _slice_page(rows: Sequence[Any], query: HistoryQuery) -> Page[Any]:
    """Return the requested page of rows that were read completely."""
    start = (query.page - 1) * query.page_size
    items = rows[start : start + query.page_size]
    return Page(items=items, total=len(rows), next_after_id=None)


@router.post(
    "/admin/oms/{entity}/mutate",
    openapi_extra=documented(
        Mutated,
        statuses=SENT_MANY,
        query=(*p.WAIT, p.COMMENT),
        body=_MUTATIONS,
        errors=COMMAND_ERRORS,
    ),
)
async def mutate_rows(request: Request, entity: EntityName) -> Response:
    """Correct rows independently of each other: one command per account, results in input order."""
    caller = await require_permission(request, Permission.ADMIN)
    if entity not in ENTITIES:
        raise NotFound(f"the entities are {', '.join(ENTITIES)}")
    context, body = api_context(request), await load_large_body(await request.body())
    items = await in_steps(read_items(body, context.settings.commands.items_max))
    comment = read_header_comment(request) or None
    account_ids = await _find_accounts(context, entity, items)
    results = {
        item.index: _not_found(item, entity) for item in items if item.index not in account_ids
    }
    commands = [
        CommandRequest(payload=mutate_command(entity, group, comment), account_id=account_id)
        for account_id, group in _group_by_account(items, account_ids).items()
    ]
    if not commands:
        return _build_response(request, entity, results)
    submission = await submit_and_wait(request, caller, commands)
    _collect_results(submission, results)
    response = _build_response(request, entity, results, submission.command_ids)
    return submission.add_headers(response)


async def _find_accounts(
    context: ApiContext, entity: str, items: Sequence[MutateItem]
) -> dict[int, int]:
    """Return the account id of each item by the item's index, without those of unknown rows."""
    ids = sorted({row_id(item) for item in items} - {0})
    rows: Sequence[Any]
    match entity:
        case "orders":
            rows = await context.history.orders_by_id(ids)
        case "positions":
            rows = await context.history.positions_by_id(ids)
        case _:
            rows = await context.history.deals_by_id(ids)
    account_of_row = {row.id: int(row.account_id) for row in rows}
    inserted = sorted({account_of(item) for item in items if item.op == "insert"})
    existing = {row.account.id for row in await context.queries.registry.accounts(inserted)}
    account_ids: dict[int, int] = {}
    for item in items:
        is_insert = item.op == "insert"
        account_id = account_of(item) if is_insert else account_of_row.get(row_id(item), 0)
        if account_id and (not is_insert or account_id in existing):
            account_ids[item.index] = account_id
    return account_ids


def _group_by_account(
    items: Sequence[MutateItem], account_ids: dict[int, int]
) -> dict[int, list[MutateItem]]:
    groups: dict[int, list[MutateItem]] = {}
    for item in items:
        if item.index in account_ids:
            groups.setdefault(account_ids[item.index], []).append(item)
    return groups


def _collect_results(submission: Submission, results: dict[int, Row]) -> None:
    """Add the results of the submitted items to ``results``, by item index."""
    for index, result in enumerate(submission.results):
        payload = submission.submitted.items[index].command.payload
        for item in getattr(payload, "items", ()):
            results[item.index] = _unfinished(item, result)
        for row in submission.value(index) or ():
            results[row["index"]] = row


def _unfinished(item: MutateItem, result: CommandResultRow) -> Row:
    """Return the result of an item whose command has not ended or was refused as a whole."""
    error = result["error"]
    row = _item_row(item, None if error is None else f"{error['code']}: {error['message']}")
    status = (
        202 if error is None else error_mapping_of(Refused(code=error["code"], message="")).status
    )
    return row | {"status": status, "ok": error is None}


def _not_found(item: MutateItem, entity: str) -> Row:
    code = {"orders": "order_not_found", "positions": "position_not_found"}.get(entity, "not_found")
    message = f"there is no {entity.removesuffix('s')} {row_id(item)}"
    if item.op == "insert":
        code, message = "account_not_found", f"account_id={account_of(item)}"
    return _item_row(item, f"{code}: {message}") | {"status": 404, "ok": False}


def _item_row(item: MutateItem, error: str | None) -> Row:
    return {
        "index": item.index,
        "ok": error is None,
        "op": item.op,
        "id": row_id(item) or None,
        "error": error,
    }


def _build_response(
    request: Request, entity: str, results: dict[int, Row], command_ids: Sequence[int] = ()
) -> Response:
    rows = [results[index] for index in sorted(results)]
    statuses = [row.pop("status") for row in rows]
    failed = [row for row in rows if not row["ok"]]
    body = {"entity": entity, "results": rows, "command_ids": list(command_ids)}
    if failed and len(failed) == len(rows):
        code, _, message = str(failed[0]["error"]).partition(": ")
        refused = Refused(code=code, message=message)
        return detail_response(refused, error_detail(refused, request_id_of(request)) | body)
    status = 207 if failed else 202 if 202 in statuses else 200
    return JsonResponse({"ok": not failed} | body, status)
