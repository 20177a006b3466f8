"""``GET /oms/events``: the event stream for those who ask instead of listen."""

import asyncio

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import ApiContext, Caller, admit_caller, api_context
from oms.api.errors import JsonResponse
from oms.services.queries.event_reader import EventPage, EventReader
from oms.wire.query_parameters import (
    read_account_ids,
    read_event_positions,
    read_limit,
    read_wait_ms,
    read_words,
)

router = APIRouter()

WAIT_MS_MAX = 30_000
EVENTS_MAX = 1000
POLL_FALLBACK_SECONDS = 1.0


@router.get("/oms/events")
async def events(request: Request) -> Response:
    """Events after ``after``, per account ascending; ``wait_ms`` waits for the first."""
    context, who, query = api_context(request), await admit_caller(request), request.query_params
    account_ids = read_account_ids(query)
    tails = EventReader(reads=context.reads, history=context.history)
    heads = await tails.heads(who.principal, account_ids)
    named = read_event_positions(query, account_ids, heads)
    asked = {account_id: named.get(account_id) for account_id in account_ids}
    tail = await _waited(context, who, tails, asked, request)
    return JsonResponse(
        {
            "items": tail.items,
            "next_after": ",".join(f"{account}:{seq}" for account, seq in tail.after.items()),
            "heads": {str(account): tail.heads.get(account, 0) for account in account_ids},
            "gaps": tail.gaps,
        }
    )


async def _waited(
    context: ApiContext,
    who: Caller,
    tails: EventReader,
    asked: dict[int, int | None],
    request: Request,
) -> EventPage:
    query = request.query_params
    limit = read_limit(query, 200, EVENTS_MAX)
    namespaces = read_words(query, "namespaces")
    clock = asyncio.get_running_loop().time
    deadline = clock() + read_wait_ms(query, WAIT_MS_MAX) / 1000
    while True:
        tail = await tails(who.principal, asked, namespaces, limit)
        left = deadline - clock()
        if tail.items or tail.gaps or left <= 0 or await request.is_disconnected():
            return tail
        asked = dict(tail.after)
        if all(seq >= tail.heads.get(account, 0) for account, seq in asked.items() if seq):
            await context.waiting.wait_notified(min(left, POLL_FALLBACK_SECONDS))
