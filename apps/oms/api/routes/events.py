"""``GET /oms/events``: the event streams by polling or long polling."""

import asyncio

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import ApiContext, Caller, admit_caller, api_context
from oms.api.errors import JsonResponse
from oms.api.openapi.route_docs import UNKNOWN_ID, documented
from oms.services.queries.event_reader import GATEWAY_STREAM, EventPage, EventReader
from oms.wire import parameters as p
from oms.wire.query_parameters import (
    read_account_ids,
    read_event_positions,
    read_number,
    read_wait_ms,
    read_words,
)
from oms.wire.responses.events import Events

router = APIRouter()

WAIT_MS_MAX = 30_000
POLL_FALLBACK_SECONDS = 1.0


@router.get("/oms/events", openapi_extra=documented(Events, query=p.EVENTS, errors=UNKNOWN_ID))
async def list_events(request: Request) -> Response:
    """Return events after ``after``, per account ascending; ``wait_ms`` waits for the first."""
    context, query = api_context(request), request.query_params
    caller = await admit_caller(request)
    account_ids = read_account_ids(query, least=GATEWAY_STREAM)
    reader = EventReader(reads=context.queries, history=context.history)
    heads = await reader.heads(caller.principal, account_ids)
    positions = read_event_positions(query, account_ids, heads)
    after = {account_id: positions.get(account_id) for account_id in account_ids}
    page = await _wait_for_events(context, caller, reader, after, request)
    body: Events = {
        "items": page.items,
        "next_after": ",".join(f"{account}:{seq}" for account, seq in page.after.items()),
        "heads": {str(account): page.heads.get(account, 0) for account in account_ids},
        "gaps": page.gaps,
    }
    return JsonResponse(body)


async def _wait_for_events(
    context: ApiContext,
    caller: Caller,
    reader: EventReader,
    after: dict[int, int | None],
    request: Request,
) -> EventPage:
    """Return the first page with events or gaps, or an empty one after ``wait_ms``."""
    query = request.query_params
    limit = read_number(query, p.EVENTS_LIMIT)
    namespaces = read_words(query, p.NAMESPACES)
    clock = asyncio.get_running_loop().time
    deadline = clock() + read_wait_ms(query, WAIT_MS_MAX) / 1000
    while True:
        page = await reader(caller.principal, after, namespaces, limit)
        remaining = deadline - clock()
        if page.items or page.gaps or remaining <= 0 or await request.is_disconnected():
            return page
        after = dict(page.after)
        if all(seq >= page.heads.get(account, 0) for account, seq in after.items() if seq):
            await context.result_waiter.wait_notified(min(remaining, POLL_FALLBACK_SECONDS))
