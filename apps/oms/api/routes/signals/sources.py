"""Sources of signals: list, create, change, renew credentials, and try a body."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.command_submission import submit_and_wait
from oms.api.context import Caller, api_context, audit_context_of, require_permission
from oms.api.errors import JsonResponse
from oms.api.openapi.request_bodies import validated
from oms.api.openapi.route_docs import UNKNOWN_ID, documented
from oms.api.routes.path_ids import PathId, parse_source_id
from oms.domain.access import Permission
from oms.domain.commands.command import SendOrder
from oms.domain.errors import OmsError
from oms.domain.side import Side
from oms.domain.signals.message import SignalMessage
from oms.domain.signals.signal import SignalAction, SizingKind
from oms.domain.signals.source import SignalSource
from oms.services.signals.authenticate_source import SignalSender
from oms.wire import parameters as p
from oms.wire.commands.command_requests import CommandRequest
from oms.wire.commands.preview_requests import check_of
from oms.wire.json import optional_decimal_text
from oms.wire.query_parameters import WaitOption
from oms.wire.request_body import load_body
from oms.wire.responses.value_types import Items
from oms.wire.signals import source_requests
from oms.wire.signals.signal_requests import READERS
from oms.wire.signals.source_rows import (
    SignalSourceRow,
    SignalTrial,
    SourceChanged,
    SourceCreated,
    SourceRotated,
    source_row,
)

router = APIRouter()

CHECK_SECONDS = 5

_SOURCE = validated(
    "SignalSourceRequest",
    source_requests.SOURCE,
    {
        "name": "alerts",
        "kind": "tradingview",
        "account_id": 1,
        "sizing": {"kind": "qty", "value": "0.01"},
    },
)
_CHANGE = validated("SignalSourceChange", source_requests.SOURCE_CHANGE, {"rate_per_minute": 30})
_ROTATE = validated(
    "SignalSourceRotation",
    source_requests.ROTATE,
    {"path_token": True, "keep_seconds": 600},
    is_required=False,
)
_TRIAL = validated(
    "SignalSourceTrial",
    source_requests.TRIAL,
    {"body": {"ticker": "BTCUSDT", "action": "buy"}},
)


@router.get("/signals/sources", openapi_extra=documented(Items[SignalSourceRow]))
async def list_signal_sources(request: Request) -> Response:
    """Return all sources with the counts of their signals."""
    await require_permission(request, Permission.ADMIN)
    sources = await api_context(request).signals.sources.sources.all()
    return JsonResponse(Items(items=await _rows(request, sources)))


@router.post(
    "/signals/sources",
    openapi_extra=documented(SourceCreated, query=(p.COMMENT,), body=_SOURCE, errors=UNKNOWN_ID),
)
async def create_signal_source(request: Request) -> Response:
    """Create a source; its path token and secret are shown only in this answer."""
    caller = await require_permission(request, Permission.ADMIN)
    fields = source_requests.read_source(load_body(await request.body()))
    audit_context = audit_context_of(request, caller, fields.get("comment"))
    made = await api_context(request).signals.sources.create(fields, audit_context)
    assert made.path_token is not None, "a new source has a path token"
    body: SourceCreated = {
        "ok": True,
        "source": source_row(made.source, {}),
        "path_token": made.path_token,
        "secret": made.secret,
    }
    return JsonResponse(body)


@router.patch(
    "/signals/sources/{source_id}",
    openapi_extra=documented(SourceChanged, query=(p.COMMENT,), body=_CHANGE, errors=UNKNOWN_ID),
)
async def change_signal_source(request: Request, source_id: PathId) -> Response:
    """Change settings of a source, or disable it."""
    caller = await require_permission(request, Permission.ADMIN)
    number = parse_source_id(source_id)
    fields = source_requests.read_source_change(load_body(await request.body()))
    audit_context = audit_context_of(request, caller, fields.get("comment"))
    changed = await api_context(request).signals.sources.change(number, fields, audit_context)
    (row,) = await _rows(request, [changed])
    return JsonResponse(SourceChanged(ok=True, source=row))


@router.post(
    "/signals/sources/{source_id}/rotate",
    openapi_extra=documented(SourceRotated, query=(p.COMMENT,), body=_ROTATE, errors=UNKNOWN_ID),
)
async def rotate_signal_source(request: Request, source_id: PathId) -> Response:
    """Renew path token or secret; those before count a while longer."""
    caller = await require_permission(request, Permission.ADMIN)
    number = parse_source_id(source_id)
    asked = source_requests.read_rotation(load_body(await request.body()))
    audit_context = audit_context_of(request, caller, asked.comment)
    made = await api_context(request).signals.sources.rotate(number, asked, audit_context)
    (row,) = await _rows(request, [made.source])
    body: SourceRotated = {
        "ok": True,
        "source": row,
        "path_token": made.path_token,
        "secret": made.secret,
    }
    return JsonResponse(body)


@router.post(
    "/signals/sources/{source_id}/test",
    openapi_extra=documented(SignalTrial, body=_TRIAL, errors=UNKNOWN_ID),
)
async def try_signal_source(request: Request, source_id: PathId) -> Response:
    """Parse a body as a signal of the source and ask for the verdict; no signal is stored."""
    caller = await require_permission(request, Permission.ADMIN)
    services = api_context(request).signals
    source = await services.sources.find(parse_source_id(source_id))
    message = READERS[source.kind](source_requests.read_trial(load_body(await request.body())))
    targets = await services.receive.targets(message, SignalSender(source=source))
    account_id = targets[0].account_id
    symbol = await services.receive.resolve(message, source, account_id)
    body: SignalTrial = {
        "ok": True,
        "account_ids": [target.account_id for target in targets],
        "symbol": symbol,
        "action": message.action.value,
        "order_type": message.order_type,
        "price": optional_decimal_text(message.price),
        "qty": optional_decimal_text(message.qty),
        "stale": message.is_stale(
            api_context(request).clock.now(), source.settings.max_age_seconds
        ),
        "risk": await _verdict(request, caller, source, message, account_id, symbol),
    }
    return JsonResponse(body)


async def _rows(request: Request, sources: Sequence[SignalSource]) -> list[SignalSourceRow]:
    signals = api_context(request).signals.queries.signals
    counts, received = await signals.counts(), await signals.last_received()
    return [source_row(each, counts.get(each.id, {}), received.get(each.id)) for each in sources]


async def _verdict(
    request: Request,
    caller: Caller,
    source: SignalSource,
    message: SignalMessage,
    account_id: int,
    symbol: str,
) -> dict[str, Any] | None:
    """Return the worker's verdict on the order; ``None`` without a quantity or a worker."""
    sizing = source.settings.sizing
    qty = message.qty or (sizing.value if sizing.kind is SizingKind.QTY else None)
    if qty is None or message.action not in (SignalAction.BUY, SignalAction.SELL):
        return None
    order = SendOrder(
        symbol=symbol,
        side=Side(message.action.value),
        order_type=message.order_type,
        qty=qty,
        price=message.limit_price,
        strategy_id=source.strategy_id,
    )
    command = CommandRequest(payload=check_of(order), account_id=account_id)
    try:
        submission = await submit_and_wait(
            request, caller, [command], wait=WaitOption(seconds=CHECK_SECONDS)
        )
    except OmsError:
        return None
    verdict: dict[str, Any] | None = submission.value(0) if submission.results[0]["ok"] else None
    return verdict
