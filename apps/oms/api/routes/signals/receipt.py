"""Receipt of signals: bounce, trade and TradingView senders, with the token in a header or path.

A request stores the signal with its command and answers; it never calls an exchange. Credentials
are checked before the body is parsed, save the secret that is in the body.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from oms.api.client_ip import client_ip
from oms.api.command_submission import read_idempotency_key
from oms.api.context import ApiContext, api_context, read_credential
from oms.api.errors import JsonResponse, handle_oms_error, request_id_of
from oms.api.openapi.request_bodies import validated
from oms.api.openapi.route_docs import documented
from oms.api.rate_limits import RATE_LIMIT_SCOPE_KEY, RateLimitKind
from oms.api.signal_answers import bounce_answer, trade_answer, tradingview_answer
from oms.domain.errors import Forbidden, Invalid, OmsError, Unauthenticated, Unavailable
from oms.domain.signals.signal import SignalKind, SignalStatus
from oms.domain.signals.source import SignalSource
from oms.domain.value import evolve
from oms.ports.signals.stored_signals import SignalRow
from oms.services.signals.authenticate_source import SignalCredentials, SignalSender, refused
from oms.services.signals.new_signals import ReceivedSignal, SignalReceipt
from oms.services.submission.submit import IdempotencyKey
from oms.wire import parameters as p
from oms.wire.field_validation import require_object
from oms.wire.json import canonical_json, loads
from oms.wire.request_body import load_body
from oms.wire.signals import signal_requests
from oms.wire.signals.signal_requests import READERS, SECRET_KEY
from oms.wire.signals.signal_rows import (
    BounceAnswer,
    TradeAnswer,
    TradingViewAnswer,
    TradingViewRefused,
)

router = APIRouter()

TRADINGVIEW_BYTES_MAX = 16 * 1024
_HEADERS_OF_REFUSAL = ("retry-after", "www-authenticate")
SIGNATURE_HEADERS = ("x-tradingview-signature", "x-tradingview-sign")
_ERRORS = frozenset({401, 403, 404, 409, 413, 429, 503})
_FAILURES = dict.fromkeys((401, 403, 404, 409, 413, 422, 429, 503), TradingViewRefused)

PathToken = Annotated[str, Path(json_schema_extra={"pattern": "^[A-Za-z0-9_-]{43}$"})]

_BOUNCE_BODY = validated(
    "BounceSignal",
    signal_requests.BOUNCE,
    {
        "symbol": "BTCUSDT",
        "side": "buy",
        "price": 100,
        "timestamp": "2025-01-01T00:00:00Z",
        "exchange": "bitget",
        "timeframe_min": 5,
        "strategy": "bounce_ema10_strict",
    },
)
_TRADE_BODY = validated(
    "TradeSignal",
    signal_requests.TRADE,
    {"symbol": "BTC/USDT", "side": "buy", "qty": "0.01", "reason": "breakout", "alert_id": "a-1"},
)
_TRADINGVIEW_BODY = validated(
    "TradingViewSignal",
    signal_requests.TRADINGVIEW,
    {"ticker": "BTCUSDT", "action": "buy", "quantity": 0.01, "alert_id": "a-1"},
)
_BOUNCE = documented(
    BounceAnswer,
    query=(p.SIGNAL_SOURCE,),
    body=_BOUNCE_BODY,
    errors=_ERRORS,
    is_public=True,
)
_TRADE = documented(
    TradeAnswer,
    statuses=(200, 202),
    query=(p.SIGNAL_SOURCE,),
    body=_TRADE_BODY,
    errors=_ERRORS,
    is_public=True,
)
_TRADINGVIEW = documented(
    TradingViewAnswer,
    statuses=(200, 202),
    query=(p.SIGNAL_SOURCE,),
    body=_TRADINGVIEW_BODY,
    failures=_FAILURES,
    is_public=True,
)


@router.post("/signals/bounce", openapi_extra=_BOUNCE)
async def post_bounce_signal(request: Request) -> Response:
    """Store a bounce signal and wait a moment for what becomes of it."""
    return await _bounce(request, None)


@router.post("/in/{path_token}/signals/bounce", openapi_extra=_BOUNCE)
async def post_bounce_signal_by_token(request: Request, path_token: PathToken) -> Response:
    """Store a bounce signal of a sender that can set only a base URL."""
    return await _bounce(request, path_token)


@router.post("/signals/trade", openapi_extra=_TRADE)
async def post_trade_signal(request: Request) -> Response:
    """Store a trade signal and answer at once."""
    return await _trade(request, None)


@router.post("/in/{path_token}/signals/trade", openapi_extra=_TRADE)
async def post_trade_signal_by_token(request: Request, path_token: PathToken) -> Response:
    """Store a trade signal of a sender that can set only a base URL."""
    return await _trade(request, path_token)


@router.post("/signals/tradingview", openapi_extra=_TRADINGVIEW)
async def post_tradingview_signal(request: Request) -> Response:
    """Store an alert of TradingView that names its source, and answer at once."""
    return await _tradingview(request, None)


@router.post("/signals/tradingview/{path_token}", openapi_extra=_TRADINGVIEW)
async def post_tradingview_signal_by_token(request: Request, path_token: PathToken) -> Response:
    """Store an alert of TradingView and answer at once."""
    return await _tradingview(request, path_token)


@router.post("/in/{path_token}/signals/tradingview", openapi_extra=_TRADINGVIEW)
async def post_tradingview_signal_by_base_url(request: Request, path_token: PathToken) -> Response:
    """Store an alert of TradingView of a sender that can set only a base URL."""
    return await _tradingview(request, path_token)


async def _bounce(request: Request, path_token: str | None) -> Response:
    context = api_context(request)
    received, receipt = await _receive(request, SignalKind.BOUNCE, path_token)
    rows = await _await_outcome(context, receipt)
    return JsonResponse(bounce_answer(receipt, rows, received.sender.source))


async def _trade(request: Request, path_token: str | None) -> Response:
    context = api_context(request)
    received, receipt = await _receive(request, SignalKind.TRADE, path_token)
    answer = trade_answer(
        receipt,
        receipt.rows,
        received.message,
        has_key=received.key is not None,
        now=context.clock.now(),
    )
    return JsonResponse(answer, 200 if receipt.is_duplicate else 202)


async def _tradingview(request: Request, path_token: str | None) -> Response:
    try:
        _, receipt = await _receive(request, SignalKind.TRADINGVIEW, path_token)
    except OmsError as error:
        refusal = await handle_oms_error(request, error)
        headers = {
            name: refusal.headers[name] for name in _HEADERS_OF_REFUSAL if name in refusal.headers
        }
        body = {"success": False, **loads(bytes(refusal.body))}
        return JsonResponse(body, refusal.status_code, headers)
    is_flat = receipt.first.reason_code == "no_position"
    status = 200 if receipt.is_duplicate or is_flat else 202
    return JsonResponse(tradingview_answer(receipt, receipt.rows), status)


async def _receive(
    request: Request, kind: SignalKind, path_token: str | None
) -> tuple[ReceivedSignal, SignalReceipt]:
    """Authenticate, parse and store a signal. Raises ``OmsError``."""
    context = api_context(request)
    ip = client_ip(request.scope, context.settings.trusted_proxies)
    services = context.signals
    services.limits.check_peer(ip)
    try:
        sender, body, payload_hash = await _authenticate(request, kind, path_token, ip)
    except Unauthenticated:
        services.limits.count_failure(ip)
        context.request_metrics.signals["", "unauthenticated"] += 1
        raise
    try:
        return await _take(request, sender, kind, body, payload_hash, ip)
    except OmsError as error:
        await _note_refusal(context, sender, error)
        raise


async def _take(
    request: Request,
    sender: SignalSender,
    kind: SignalKind,
    body: Mapping[str, Any],
    payload_hash: str,
    ip: str,
) -> tuple[ReceivedSignal, SignalReceipt]:
    """Parse and store a signal of an authenticated sender. Raises ``OmsError``."""
    context = api_context(request)
    _admit(request, context, sender, ip)
    message = READERS[kind](body)
    received = ReceivedSignal(
        message=message,
        sender=sender,
        payload_hash=payload_hash,
        ip=ip,
        request_id=request_id_of(request),
        key=await _key(request, sender, kind, payload_hash),
    )
    has_quantity = message.qty or message.notional or message.position_size is not None
    if sender.source is None and not has_quantity:
        raise Invalid("without a source, qty or notional is needed", reason="qty")
    receipt = await context.signals.receive(received)
    name = "" if sender.source is None else sender.source.name
    status = "duplicate" if receipt.is_duplicate else receipt.first.status.value
    context.request_metrics.signals[name, status] += 1
    return received, receipt


async def _authenticate(
    request: Request, kind: SignalKind, path_token: str | None, ip: str
) -> tuple[SignalSender, Mapping[str, Any], str]:
    """Return the sender, the body, and its hash. Raises ``OmsError``."""
    services = api_context(request).signals
    raw = await request.body()
    if kind is SignalKind.TRADINGVIEW and len(raw) > TRADINGVIEW_BYTES_MAX:
        message = f"a request body may have at most {TRADINGVIEW_BYTES_MAX} bytes"
        raise Invalid(message, code="payload_too_large")
    headers = request.headers
    sender = await services.authenticate(
        SignalCredentials(
            kind=kind,
            raw=raw,
            ip=ip,
            api_key=_presented_key(headers),
            path_token=path_token,
            source_name=request.query_params.get(p.SIGNAL_SOURCE.name),
            signatures=tuple(text for name in SIGNATURE_HEADERS for text in headers.getlist(name)),
        )
    )
    try:
        body = require_object(load_body(raw), ("body",))
    except Invalid as error:
        if not sender.is_authenticated:
            raise refused() from None
        services.authenticate.confirm(sender, None)
        await _note_refusal(api_context(request), sender, error)
        raise
    services.authenticate.confirm(sender, body.get(SECRET_KEY))
    rest = {name: each for name, each in body.items() if name != SECRET_KEY}
    return sender, body, hashlib.sha256(canonical_json(rest).encode()).hexdigest()


async def _note_refusal(context: ApiContext, sender: SignalSender, error: OmsError) -> None:
    """Count a refused request, and keep it with its source."""
    name = "" if sender.source is None else sender.source.name
    context.request_metrics.signals[name, "refused"] += 1
    await context.signals.record_refusal(sender.source, error)


def _presented_key(headers: Mapping[str, str]) -> str | None:
    """Return the API key; an ``Authorization`` without one is a credential that does not count."""
    key = read_credential(headers)
    return "" if key is None and "authorization" in headers else key


def _admit(request: Request, context: ApiContext, sender: SignalSender, ip: str) -> None:
    """Check address and rate. Raises ``Forbidden``, ``RateLimited``."""
    source = sender.source
    if source is not None:
        settings = source.settings
        networks = settings.networks
        if source.kind is SignalKind.TRADINGVIEW and not networks:
            networks = context.settings.signals.tradingview_networks
        if not evolve(settings, networks=networks).allows_address(ip):
            raise Forbidden("the source takes no signals of this address", code="ip_not_allowed")
        context.signals.limits.take(source.id, settings.rate_per_minute)
    if sender.principal is not None:
        request.scope[RATE_LIMIT_SCOPE_KEY] = context.rate_limiter.take(
            sender.principal.api_key_id, RateLimitKind.TRADE
        )


async def _key(
    request: Request, sender: SignalSender, kind: SignalKind, payload_hash: str
) -> IdempotencyKey | None:
    """Return the idempotency key of the sender. Raises ``Malformed``."""
    source: SignalSource | None = sender.source
    if source is not None:
        user_id, path = 0, f"signal source {source.id}"
    else:
        assert sender.principal is not None, "without a source there is a key"
        user_id, path = sender.principal.user_id, f"signals {kind.value}"
    return await read_idempotency_key(request.headers, user_id, path, payload_hash)


async def _await_outcome(context: ApiContext, receipt: SignalReceipt) -> Sequence[SignalRow]:
    """Return the rows once decided, or as they are after the wait."""
    queued = [
        row.command_ids[0]
        for row in receipt.rows
        if row.status is SignalStatus.QUEUED and row.command_ids
    ]
    if not queued:
        return receipt.rows
    await context.result_waiter(queued, context.settings.signals.wait_ms / 1000)
    try:
        rows = await context.signals.queries.signals.of_group(receipt.first.group_signal_id)
    except Unavailable:
        return receipt.rows  # it is stored: the answer has its id, without a result
    return rows
