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

from oms.api.budgets import BUDGET
from oms.api.deps import Doors, caller, doors, identified, sent_headers
from oms.api.errors import REQUEST_ID, JsonResponse, failure, on_failure, refusal
from oms.api.results import (
    command_mt5,
    command_row,
    first_error,
    orders_named,
    results_of,
)
from oms.api.routes.paging import envelope
from oms.domain.command import CommandStatus
from oms.domain.errors import OmsError, Refused
from oms.ports.queue import CommandRow
from oms.services.submit import Accepted, Ask, IdempotencyKey
from oms.wire.bodies import load_body, wrong_at
from oms.wire.json import canonical
from oms.wire.ledger import Row
from oms.wire.queries import (
    WAIT_MS_MAX,
    Query,
    Wait,
    is_mt5,
    is_true,
    read_history,
    read_wait,
    read_wait_ms,
)
from oms.wire.wishes import read_commands

router = APIRouter()

IDEMPOTENCY_KEY_CHARACTERS_MAX = 128
PENDING = frozenset({CommandStatus.QUEUED.value, CommandStatus.RUNNING.value})


class PostCommands:
    """The endpoint of ``POST /oms/commands``."""

    def __init__(self, parts: Doors) -> None:
        self._doors = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            response = await self._answer(scope, receive)
        except OmsError as wrong:
            response = await on_failure(Request(scope), wrong)
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        parts, headers, asked = self._doors, sent_headers(scope), scope["query_string"]
        query: Query = QueryParams(asked) if asked else {}
        who = await identified(scope, headers, parts)
        body = load_body(await _body(receive))
        settings = parts.settings.commands
        wishes = read_commands(body, settings.items_max)
        payloads = [wish.payload for wish in wishes]
        scope[BUDGET] = parts.budgets.take_commands(who.principal.api_key_id, payloads)
        mt5 = parts.reads if is_mt5(query) else None  # wrong is told before anything is stored
        wait = read_wait(query, headers.get("prefer"), settings.default_wait_ms)
        accepted = await parts.submit(
            Ask(
                wishes=wishes,
                principal=who.principal,
                ip=who.ip,
                parallel=is_true(query, "parallel") or len(wishes) < 2,
                hold_seconds=wait.seconds,
                key=idempotency_key(headers, who.principal.user_id, scope["path"], body),
            )
        )
        ids = [item.command_id for item in accepted.items if item.command_id is not None]
        seconds = 0 if accepted.replayed else wait.seconds
        rows = await parts.waiting(ids, seconds, accepted.stored)
        parts.tally.sent(payloads, rows.values())
        with_rows = parts.reads if wait.is_asked and wait.seconds > 0 else None
        request_id = scope[REQUEST_ID]
        results = await results_of(accepted.items, rows, request_id, with_rows, mt5_from=mt5)
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


def idempotency_key(
    headers: Mapping[str, str], user_id: int, path: str, body: object, method: str = "POST"
) -> IdempotencyKey | None:
    """The caller's name for a whole request, if there is one. Raises ``Malformed``."""
    name = headers.get("idempotency-key")
    if name is None:
        return None
    visible = name.isascii() and name.isprintable() and " " not in name
    if not visible or not 0 < len(name) <= IDEMPOTENCY_KEY_CHARACTERS_MAX:
        msg = f"1 to {IDEMPOTENCY_KEY_CHARACTERS_MAX} visible ASCII characters are expected"
        raise wrong_at(("header", "Idempotency-Key"), msg)
    return IdempotencyKey(scope=f"{user_id} {method} {path} {name}", body=canonical(body))


def in_flight(request_id: str, results: list[Row]) -> Response:
    """The answer to a repeat that comes before the end of the first."""
    message = "the first request under this Idempotency-Key is still being carried out"
    busy = Refused(code="idempotency_in_flight", message=message, outcome="unknown")
    return refusal(busy, request_id, results=results)


def _response(accepted: Accepted, results: list[Row], wait: Wait, request_id: str) -> Response:
    failed = [row for row in results if not row["ok"]]
    is_pending = any(row["status"] in PENDING for row in results)
    response: Response
    if accepted.replayed and is_pending:
        response = in_flight(request_id, results)
    elif failed and len(failed) == len(results):
        response = failure(first_error(results), results[0]["error"] | {"results": results})
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
    parts, who = doors(request), await caller(request)
    number = int(command_id) if command_id.isascii() and command_id.isdigit() else 0
    row = await parts.reads.command(who.principal, number if len(command_id) < 17 else 0)
    wait_ms = read_wait_ms(request.query_params, WAIT_MS_MAX)
    if wait_ms and not row.status.is_final:
        row = (await parts.waiting([row.id], wait_ms / 1000)).get(row.id, row)
    return JsonResponse((await _rows(parts, [row], request.query_params))[0])


@router.get("/oms/commands")
async def get_commands(request: Request) -> Response:
    """A page of the commands of accounts, by time of arrival."""
    parts, who = doors(request), await caller(request)
    window = read_history(request.query_params, parts.clock.now())
    page = await parts.reads.commands(who.principal, window)
    shown = await _rows(parts, list(page.items), request.query_params)
    return JsonResponse(envelope(shown, page, window))


async def _rows(parts: Doors, rows: list[CommandRow], query: Query) -> list[Mapping[str, object]]:
    mt5 = is_mt5(query)
    made = await parts.reads.made_by(orders_named(rows))
    if mt5:
        return [command_mt5(row, made) for row in rows]
    return [command_row(row, made.deals, made.orders) for row in rows]
