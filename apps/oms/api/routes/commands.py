"""``POST /oms/commands``, the entry point of all order commands, and reads of commands.

The POST is a plain ASGI endpoint: on this path FastAPI's own work would cost more than the
command itself.
"""

from collections.abc import Sequence

from fastapi import APIRouter
from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from oms.api.account_group_commands import group_commands, group_key, name_accounts
from oms.api.command_results import (
    build_results,
    command_mt5_view,
    command_row,
    failure_response,
    order_ids_of,
)
from oms.api.command_submission import (
    LARGE_BODY_BYTES,
    PENDING_STATUSES,
    command_ids_of,
    in_flight_response,
    load_large_body,
    read_idempotency_key,
)
from oms.api.context import ApiContext, admit_caller, api_context, identify_caller, request_headers
from oms.api.errors import (
    REQUEST_ID_SCOPE_KEY,
    JsonResponse,
    handle_oms_error,
)
from oms.api.openapi.request_bodies import COMMANDS_BODY
from oms.api.openapi.route_docs import COMMAND_ERRORS, SENT_MANY, UNKNOWN_ID, documented
from oms.api.rate_limits import RATE_LIMIT_SCOPE_KEY
from oms.api.routes.pagination import envelope
from oms.api.routes.path_ids import PathId, parse_command_id
from oms.domain.errors import OmsError
from oms.ports.command_queue import CommandRow
from oms.services.submission.submit import SubmitRequest, SubmitResult
from oms.wire import parameters as p
from oms.wire.admin.account_groups import GROUP_KEY
from oms.wire.commands.command_requests import read_commands, read_commands_steps
from oms.wire.query_parameters import (
    WAIT_MS_MAX,
    Query,
    WaitOption,
    is_mt5_view,
    is_true,
    read_history_query,
    read_wait,
    read_wait_ms,
)
from oms.wire.request_body import load_body
from oms.wire.responses.command_rows import CommandBody, CommandResultRow, CommandResults
from oms.wire.responses.mt5_rows import Mt5ResultRow
from oms.wire.responses.value_types import PageBody
from oms.wire.steps import in_steps

router = APIRouter()


class PostCommands:
    """The endpoint of ``POST /oms/commands``."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        try:
            response = await self.respond(scope, receive)
        except OmsError as error:
            response = await handle_oms_error(Request(scope), error)
        await response(scope, receive, send)

    async def respond(self, scope: Scope, receive: Receive) -> Response:
        """Return the response to one request. Raises ``OmsError``."""
        context, headers, query_text = self._context, request_headers(scope), scope["query_string"]
        query: Query = QueryParams(query_text) if query_text else {}
        caller = await identify_caller(scope, headers, context)
        principal = caller.principal
        raw = await _read_body(receive)
        settings = context.settings.commands
        if len(raw) > LARGE_BODY_BYTES:
            body = await load_large_body(raw)
            commands = await in_steps(read_commands_steps(body, settings.items_max))
        else:
            body = load_body(raw)
            if isinstance(body, dict) and GROUP_KEY in body:
                commands = await group_commands(context, principal, body)
            else:
                commands = read_commands(body, settings.items_max)
        payloads = [command.payload for command in commands]
        scope[RATE_LIMIT_SCOPE_KEY] = context.rate_limiter.take_commands(
            principal.api_key_id, payloads
        )
        # An unknown view is an error before anything is stored.
        mt5_queries = context.queries if is_mt5_view(query) else None
        wait = read_wait(query, headers.get("prefer"), settings.default_wait_ms)
        key = await read_idempotency_key(headers, principal.user_id, scope["path"], body)
        is_group = bool(commands) and commands[0].asked is not None
        if is_group and key is None:
            key = await group_key(principal.user_id, commands[0].request_id, body)
        submitted = await context.submit(
            SubmitRequest(
                commands=commands,
                principal=principal,
                ip=caller.ip,
                parallel=is_group or is_true(query, p.PARALLEL) or len(commands) < 2,
                hold_seconds=wait.seconds,
                key=key,
            )
        )
        seconds = 0 if submitted.replayed else wait.seconds
        rows = await context.result_waiter(command_ids_of(submitted), seconds, submitted.stored)
        context.request_metrics.count_commands(payloads, rows.values())
        row_queries = context.queries if wait.is_asked and wait.seconds > 0 else None
        request_id = scope[REQUEST_ID_SCOPE_KEY]
        results = await build_results(
            submitted.items, rows, request_id, row_queries, mt5_queries=mt5_queries
        )
        if is_group:
            name_accounts(results, submitted.items)
        return _build_response(submitted, results, wait, request_id)


@router.post(
    "/oms/commands",
    openapi_extra=documented(
        CommandResults,
        statuses=SENT_MANY,
        query=(p.PARALLEL, *p.WAIT, p.VIEW),
        body=COMMANDS_BODY,
        errors=COMMAND_ERRORS,
        headers=("Location",),
    ),
)
async def send_commands(request: Request) -> Response:
    """Send one command or a list of them, and wait for their results."""
    return await PostCommands(api_context(request)).respond(request.scope, request.receive)


async def _read_body(receive: Receive) -> bytes:
    """Return the whole request body. Raises ``ClientDisconnect``."""
    pieces: list[bytes] = []
    has_more = True
    while has_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        pieces.append(message.get("body", b""))
        has_more = message.get("more_body", False)
    return b"".join(pieces)


def _build_response(
    submitted: SubmitResult, results: list[CommandResultRow], wait: WaitOption, request_id: str
) -> Response:
    failed = [row for row in results if not row["ok"]]
    is_pending = any(row["status"] in PENDING_STATUSES for row in results)
    response: Response
    if submitted.replayed and is_pending:
        response = in_flight_response(request_id, results)
    elif failed and len(failed) == len(results):
        response = failure_response(results, results=results)
    else:
        status = 207 if failed else 202 if is_pending else 200
        response = JsonResponse({"results": results}, status)
    if len(results) == 1 and results[0]["command_id"] is not None:
        location = b"/oms/commands/%d" % results[0]["command_id"]
        response.raw_headers.append((b"location", location))
    if submitted.replayed:
        response.raw_headers.append((b"idempotent-replayed", b"true"))
    if wait.applied is not None:
        response.raw_headers.append((b"preference-applied", wait.applied.encode()))
    return response


@router.get(
    "/oms/commands/{command_id}",
    openapi_extra=documented(
        CommandBody | Mt5ResultRow, query=(p.WAIT_MS, p.VIEW), errors=UNKNOWN_ID
    ),
)
async def get_command(request: Request, command_id: PathId) -> Response:
    """Return one command; with ``wait_ms`` once it ended or the wait is over."""
    context, caller = api_context(request), await admit_caller(request)
    row = await context.queries.command(caller.principal, parse_command_id(command_id))
    wait_ms = read_wait_ms(request.query_params, WAIT_MS_MAX)
    if wait_ms and not row.status.is_final:
        row = (await context.result_waiter([row.id], wait_ms / 1000)).get(row.id, row)
    return JsonResponse((await _build_rows(context, [row], request.query_params))[0])


@router.get(
    "/oms/commands",
    openapi_extra=documented(
        PageBody[CommandBody | Mt5ResultRow], query=(*p.HISTORY, p.VIEW), errors=UNKNOWN_ID
    ),
)
async def list_commands(request: Request) -> Response:
    """Return a page of the commands of accounts, in order of arrival."""
    context, caller = api_context(request), await admit_caller(request)
    query = read_history_query(request.query_params, context.clock.now())
    page = await context.queries.commands(caller.principal, query)
    rows = await _build_rows(context, list(page.items), request.query_params)
    return JsonResponse(envelope(rows, page, query))


async def _build_rows(
    context: ApiContext, rows: list[CommandRow], query: Query
) -> Sequence[CommandBody | Mt5ResultRow]:
    is_mt5 = is_mt5_view(query)
    created = await context.queries.orders_with_deals(order_ids_of(rows))
    if is_mt5:
        return [command_mt5_view(row, created) for row in rows]
    return [command_row(row, created.deals, created.orders) for row in rows]
