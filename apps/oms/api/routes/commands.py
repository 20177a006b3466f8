"""``POST /oms/commands``, the way in for every order, and the reads of commands.

The POST is a plain ASGI endpoint: on this one path the framework's own work would cost more than
the command does.
"""

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from oms.api.command_results import (
    build_results,
    command_mt5_view,
    command_row,
    first_error,
    order_ids_of,
)
from oms.api.context import ApiContext, admit_caller, api_context, identify_caller, request_headers
from oms.api.errors import (
    REQUEST_ID_SCOPE_KEY,
    JsonResponse,
    detail_response,
    handle_oms_error,
    refusal_response,
)
from oms.api.rate_limits import RATE_LIMIT_SCOPE_KEY
from oms.api.routes.pagination import envelope
from oms.domain.commands.command import CommandStatus
from oms.domain.errors import OmsError, Refused
from oms.ports.command_queue import CommandRow
from oms.services.submission.submit import IdempotencyKey, SubmitRequest, SubmitResult
from oms.wire.commands.command_requests import read_commands
from oms.wire.json import canonical_json
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
from oms.wire.request_body import load_body, malformed_at
from oms.wire.responses.ledger_rows import Row

router = APIRouter()

IDEMPOTENCY_KEY_CHARACTERS_MAX = 128
PENDING_STATUSES = frozenset({CommandStatus.QUEUED.value, CommandStatus.RUNNING.value})


class PostCommands:
    """The endpoint of ``POST /oms/commands``."""

    def __init__(self, context: ApiContext) -> None:
        self._doors = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            response = await self._answer(scope, receive)
        except OmsError as wrong:
            response = await handle_oms_error(Request(scope), wrong)
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        context, headers, asked = self._doors, request_headers(scope), scope["query_string"]
        query: Query = QueryParams(asked) if asked else {}
        who = await identify_caller(scope, headers, context)
        body = load_body(await _body(receive))
        settings = context.settings.commands
        commands = read_commands(body, settings.items_max)
        payloads = [wish.payload for wish in commands]
        scope[RATE_LIMIT_SCOPE_KEY] = context.budgets.take_commands(
            who.principal.api_key_id, payloads
        )
        mt5 = (
            context.reads if is_mt5_view(query) else None
        )  # wrong is told before anything is stored
        wait = read_wait(query, headers.get("prefer"), settings.default_wait_ms)
        accepted = await context.submit(
            SubmitRequest(
                commands=commands,
                principal=who.principal,
                ip=who.ip,
                parallel=is_true(query, "parallel") or len(commands) < 2,
                hold_seconds=wait.seconds,
                key=read_idempotency_key(headers, who.principal.user_id, scope["path"], body),
            )
        )
        ids = [item.command_id for item in accepted.items if item.command_id is not None]
        seconds = 0 if accepted.replayed else wait.seconds
        rows = await context.waiting(ids, seconds, accepted.stored)
        context.request_metrics.sent(payloads, rows.values())
        with_rows = context.reads if wait.is_asked and wait.seconds > 0 else None
        request_id = scope[REQUEST_ID_SCOPE_KEY]
        results = await build_results(accepted.items, rows, request_id, with_rows, mt5_from=mt5)
        return _response(accepted, results, wait, request_id)


async def _body(receive: Receive) -> bytes:
    """All that is sent. Raises ``ClientDisconnect``."""
    pieces: list[bytes] = []
    has_more = True
    while has_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        pieces.append(message.get("body", b""))
        has_more = message.get("more_body", False)
    return b"".join(pieces)


def read_idempotency_key(
    headers: Mapping[str, str], user_id: int, path: str, body: object, method: str = "POST"
) -> IdempotencyKey | None:
    """The caller's name for a whole request, if there is one. Raises ``Malformed``."""
    name = headers.get("idempotency-key")
    if name is None:
        return None
    visible = name.isascii() and name.isprintable() and " " not in name
    if not visible or not 0 < len(name) <= IDEMPOTENCY_KEY_CHARACTERS_MAX:
        msg = f"1 to {IDEMPOTENCY_KEY_CHARACTERS_MAX} visible ASCII characters are expected"
        raise malformed_at(("header", "Idempotency-Key"), msg)
    return IdempotencyKey(scope=f"{user_id} {method} {path} {name}", body=canonical_json(body))


def in_flight_response(request_id: str, results: list[Row]) -> Response:
    """The answer to a repeat that comes before the end of the first."""
    message = "the first request under this Idempotency-Key is still being carried out"
    busy = Refused(code="idempotency_in_flight", message=message, outcome="unknown")
    return refusal_response(busy, request_id, results=results)


def _response(
    accepted: SubmitResult, results: list[Row], wait: WaitOption, request_id: str
) -> Response:
    failed = [row for row in results if not row["ok"]]
    is_pending = any(row["status"] in PENDING_STATUSES for row in results)
    response: Response
    if accepted.replayed and is_pending:
        response = in_flight_response(request_id, results)
    elif failed and len(failed) == len(results):
        response = detail_response(first_error(results), results[0]["error"] | {"results": results})
    else:
        status = 207 if failed else 202 if is_pending else 200
        response = JsonResponse({"results": results}, status)
    if len(results) == 1 and results[0]["command_id"] is not None:
        at = b"/oms/commands/%d" % results[0]["command_id"]
        response.raw_headers.append((b"location", at))
    if accepted.replayed:
        response.raw_headers.append((b"idempotent-replayed", b"true"))
    if wait.applied is not None:
        response.raw_headers.append((b"preference-applied", wait.applied.encode()))
    return response


@router.get("/oms/commands/{command_id}")
async def get_command(request: Request, command_id: str) -> Response:
    """One command; ``wait_ms`` waits for its end."""
    context, who = api_context(request), await admit_caller(request)
    number = int(command_id) if command_id.isascii() and command_id.isdigit() else 0
    row = await context.reads.command(who.principal, number if len(command_id) < 17 else 0)
    wait_ms = read_wait_ms(request.query_params, WAIT_MS_MAX)
    if wait_ms and not row.status.is_final:
        row = (await context.waiting([row.id], wait_ms / 1000)).get(row.id, row)
    return JsonResponse((await _rows(context, [row], request.query_params))[0])


@router.get("/oms/commands")
async def get_commands(request: Request) -> Response:
    """A page of the commands of accounts, by time of arrival."""
    context, who = api_context(request), await admit_caller(request)
    window = read_history_query(request.query_params, context.clock.now())
    page = await context.reads.commands(who.principal, window)
    shown = await _rows(context, list(page.items), request.query_params)
    return JsonResponse(envelope(shown, page, window))


async def _rows(
    context: ApiContext, rows: list[CommandRow], query: Query
) -> list[Mapping[str, object]]:
    mt5 = is_mt5_view(query)
    made = await context.reads.orders_with_deals(order_ids_of(rows))
    if mt5:
        return [command_mt5_view(row, made) for row in rows]
    return [command_row(row, made.deals, made.orders) for row in rows]
