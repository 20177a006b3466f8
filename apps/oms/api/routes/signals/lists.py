"""Lists of signals, and single ones with what they led to."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import admit_caller, api_context
from oms.api.errors import JsonResponse
from oms.api.openapi.route_docs import UNKNOWN_ID, documented
from oms.api.routes.path_ids import PathId, parse_signal_id
from oms.domain.signals.signal import SignalKind, SignalStatus
from oms.ports.signals.stored_signals import SignalQuery
from oms.services.signals.signal_queries import SignalChain
from oms.wire import parameters as p
from oms.wire.query_parameters import (
    Query,
    cursor_text,
    is_false,
    malformed_parameter,
    read_account_ids,
    read_cursor,
    read_number,
    read_optional_id,
    read_timestamp,
    read_words,
)
from oms.wire.responses.ledger_rows import deal_row, order_row, position_row
from oms.wire.responses.order_lineage import command_row
from oms.wire.responses.value_types import PageBody
from oms.wire.signals.signal_rows import SignalBody, SignalDetail, signal_body

router = APIRouter()

_FILTERS = (
    *(p.OPTIONAL_ACCOUNT_IDS, p.SIGNAL_SOURCE, p.BOT_ID, p.SIGNAL_KIND, p.SYMBOL, p.SIGNAL_STATUS),
    *(p.SINCE, p.UNTIL, p.PAGE, p.PAGE_SIZE, p.SORT, p.WITH_TOTAL, p.CURSOR),
)


@router.get(
    "/signals", openapi_extra=documented(PageBody[SignalBody], query=_FILTERS, errors=UNKNOWN_ID)
)
async def list_signals(request: Request) -> Response:
    """Return signals of the accounts that the caller may read."""
    context, caller = api_context(request), await admit_caller(request)
    query = request.query_params
    has_accounts = bool(query.get(p.OPTIONAL_ACCOUNT_IDS.name))
    window = await _read_query(request, query)
    rows, total = await context.signals.queries.page(
        caller.principal, read_account_ids(query) if has_accounts else (), window
    )
    page = rows[: window.page_size]
    has_more = len(rows) > window.page_size
    body: PageBody[SignalBody] = {
        "items": [signal_body(row) for row in page],
        "total": total,
        "page": window.page if window.after_id is None else None,
        "page_size": window.page_size,
        "next_cursor": cursor_text(page[-1].id) if has_more else None,
    }
    return JsonResponse(body)


@router.get("/signals/{signal_id}", openapi_extra=documented(SignalDetail, errors=UNKNOWN_ID))
async def get_signal(request: Request, signal_id: PathId) -> Response:
    """Return a signal with the commands, orders, deals and positions that it led to."""
    context, caller = api_context(request), await admit_caller(request)
    chain = await context.signals.queries.chain(caller.principal, parse_signal_id(signal_id))
    return JsonResponse(_detail(chain))


def _detail(chain: SignalChain) -> SignalDetail:
    return {
        "signal": signal_body(chain.signal),
        "lineage": {
            "commands": [command_row(command) for command in chain.commands],
            "orders": [order_row(order) for order in chain.orders],
            "deals": [deal_row(deal) for deal in chain.deals],
            "positions": [position_row(position) for position in chain.positions],
        },
    }


async def _read_query(request: Request, query: Query) -> SignalQuery:
    """Return filters and page. Raises ``Malformed``."""
    return SignalQuery(
        accounts={},
        source_id=await _source_id(request, query),
        bot_id=read_optional_id(query, p.BOT_ID),
        kind=_kind(query),
        symbol=query.get(p.SYMBOL.name) or None,
        statuses=_statuses(query),
        since=read_timestamp(query, p.SINCE),
        until=read_timestamp(query, p.UNTIL),
        page=read_number(query, p.PAGE),
        page_size=read_number(query, p.PAGE_SIZE),
        after_id=read_cursor(query),
        descending=query.get(p.SORT.name, "").lower() == "desc",
        with_total=not is_false(query, p.WITH_TOTAL),
    )


async def _source_id(request: Request, query: Query) -> int | None:
    """Return the id of the named source; of an unknown one 0, which has no such signals."""
    name = query.get(p.SIGNAL_SOURCE.name, "")
    if not name:
        return None
    source = await api_context(request).signals.sources.sources.of_name(name)
    return -1 if source is None else source.id


def _kind(query: Query) -> SignalKind | None:
    word = query.get(p.SIGNAL_KIND.name, "").lower()
    if word and word not in set(SignalKind):
        raise malformed_parameter("kind", f"one of {', '.join(SignalKind)} is expected", "enum")
    return SignalKind(word) if word else None


def _statuses(query: Query) -> tuple[SignalStatus, ...]:
    words = sorted(word.lower() for word in read_words(query, p.SIGNAL_STATUS) or ())
    if unknown := [word for word in words if word not in set(SignalStatus)]:
        names = ", ".join(SignalStatus)
        raise malformed_parameter("status", f"one of {names} is expected, not {unknown}", "enum")
    return tuple(SignalStatus(word) for word in words)
