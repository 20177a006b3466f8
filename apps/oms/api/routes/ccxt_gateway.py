"""The ccxt gateway over HTTP: single calls, calls by keyword, and lists of calls."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.ccxt_calls import (
    BATCH_SECONDS,
    call_error,
    call_outcome,
    check_method_allowed,
    default_wait_seconds,
    error_command,
    require_live_worker,
    result_json,
)
from oms.api.context import Caller, admit_caller, api_context, identify_caller, parse_account_id
from oms.api.errors import JsonResponse, refusal_response, request_id_of, to_refused
from oms.api.rate_limits import RATE_LIMIT_SCOPE_KEY, RateLimitKind
from oms.api.routes.commands import in_flight_response, read_idempotency_key
from oms.domain.commands.command import CcxtCall, CommandResult
from oms.domain.errors import Invalid, OmsError, Refused
from oms.ports.command_queue import CommandRow
from oms.services.submission.submit import SubmitItemResult, SubmitRequest, SubmitResult
from oms.wire.ccxt.core_requests import read_core_call
from oms.wire.ccxt.method_names import CORE_READ_METHODS, CORE_TRADE_METHODS, snake_case
from oms.wire.commands.command_requests import CommandRequest, read_ccxt_call
from oms.wire.field_types import read_id
from oms.wire.json import dumps_fast
from oms.wire.query_parameters import WaitOption, is_true, read_wait
from oms.wire.request_body import load_body, malformed_at

router = APIRouter()


@router.post("/ccxt/commands")
async def calls(request: Request) -> Response:
    """A list of calls, one after the other unless ``parallel``; always 200."""
    context = api_context(request)
    who = await identify_caller(request.scope, request.headers, context)
    body = load_body(await request.body())
    items = body if isinstance(body, list) else [body]
    if len(items) > context.settings.commands.items_max:
        msg = f"at most {context.settings.commands.items_max} calls in one body"
        raise malformed_at(("body",), msg, "too_long")
    count = max(len(items), 1)
    request.scope[RATE_LIMIT_SCOPE_KEY] = context.budgets.take(
        who.principal.api_key_id, RateLimitKind.CCXT, count
    )
    wait = read_wait(request.query_params, None, int(BATCH_SECONDS * 1000))
    read = [await _read(request, item) for item in items]
    commands = [one for one in read if isinstance(one, CommandRequest)]
    parallel = is_true(request.query_params, "parallel") or len(commands) < 2
    accepted = await _submitted(request, who, commands, wait, body, parallel=parallel)
    rows = await _rows(request, accepted, wait)
    if accepted.replayed and _is_pending(accepted, rows):
        return in_flight_response(request_id_of(request), [])
    placed = iter(accepted.items)
    results = [
        _result(
            request, index, next(placed) if isinstance(one, CommandRequest) else one, rows, wait
        )
        for index, one in enumerate(read)
    ]
    return _replayed(accepted, JsonResponse(b'{"results":[' + b",".join(results) + b"]}"))


@router.post("/ccxt/core/{account_id}/{func}")
async def core_call(request: Request, account_id: str, func: str) -> Response:
    """A call whose body is the method's keyword arguments."""
    who, name = await admit_caller(request), snake_case(func)
    if name not in CORE_READ_METHODS | CORE_TRADE_METHODS:
        raise Invalid(f"{name[:64]} is no method of /ccxt/core", code="unsupported_func")
    body = load_body(await request.body())
    try:
        wish = read_core_call(name, body)
    except Invalid as wrong:
        if name not in CORE_TRADE_METHODS:
            raise
        errors = getattr(wrong, "errors", [])
        command = error_command(CcxtCall(func=name))
        refused = to_refused(wrong)
        return refusal_response(refused, request_id_of(request), command=command, errors=errors)
    return await _called(
        request, who, CommandRequest(payload=wish, account_id=parse_account_id(account_id))
    )


@router.post("/ccxt/{account_id}/{func}")
async def call(request: Request, account_id: str, func: str) -> Response:
    """A call by position and keyword, passed on unchanged."""
    who, name = await admit_caller(request), snake_case(func)
    number = parse_account_id(account_id)
    await check_method_allowed(name, number, api_context(request).submit.registry)
    wish = read_ccxt_call(name, load_body(await request.body()))
    return await _called(request, who, CommandRequest(payload=wish, account_id=number))


async def _called(request: Request, who: Caller, wish: CommandRequest) -> Response:
    context, payload = api_context(request), wish.payload
    assert isinstance(payload, CcxtCall)
    wait = read_wait(request.query_params, None, int(default_wait_seconds(payload) * 1000))
    await require_live_worker(context.leases)
    body = load_body(await request.body())
    accepted = await _submitted(request, who, [wish], wait, body, parallel=True)
    rows = await _rows(request, accepted, wait)
    (item,) = accepted.items
    request_id = request_id_of(request)
    if accepted.replayed and _is_pending(accepted, rows):
        return in_flight_response(request_id, [])
    result = call_outcome(item, rows, wait.seconds)
    if isinstance(result, Refused):
        return _replayed(
            accepted, refusal_response(result, request_id, command=error_command(payload))
        )
    body_text = b'{"ok":true,"result":' + result_json(result).encode() + b"}"
    return _replayed(accepted, JsonResponse(body_text))


async def _read(request: Request, item: object) -> CommandRequest | Refused:
    """One call of a list, or what is wrong with it."""
    try:
        if not isinstance(item, dict):
            raise malformed_at(("body",), "an object is expected", "object")
        account_id = _account_id(item)
        func = item.get("func")
        if not isinstance(func, str):
            raise malformed_at(("func",), "func names the method", "missing")
        name = snake_case(func)
        await check_method_allowed(name, account_id, api_context(request).submit.registry)
        return CommandRequest(payload=read_ccxt_call(name, item), account_id=account_id)
    except OmsError as wrong:
        return to_refused(wrong)


def _account_id(item: Mapping[str, Any]) -> int:
    if item.get("account_id") is None:
        raise Invalid("account_id is required", code="missing_account_id")
    try:
        return read_id(item["account_id"])
    except ValueError:
        raise malformed_at(("account_id",), "an account id is expected") from None


async def _submitted(
    request: Request,
    who: Caller,
    commands: Sequence[CommandRequest],
    wait: WaitOption,
    body: object,
    *,
    parallel: bool,
) -> SubmitResult:
    if not commands:
        return SubmitResult(items=())
    context = api_context(request)
    await require_live_worker(context.leases)
    key = read_idempotency_key(
        request.headers, who.principal.user_id, request.scope["path"], body, request.method
    )
    return await context.submit(
        SubmitRequest(
            commands=commands,
            principal=who.principal,
            ip=who.ip,
            parallel=parallel,
            hold_seconds=wait.seconds,
            key=key,
        )
    )


async def _rows(
    request: Request, accepted: SubmitResult, wait: WaitOption
) -> Mapping[int, CommandRow]:
    ids = [item.command_id for item in accepted.items if item.command_id is not None]
    seconds = 0 if accepted.replayed else wait.seconds
    return await api_context(request).waiting(ids, seconds)


def _is_pending(accepted: SubmitResult, rows: Mapping[int, CommandRow]) -> bool:
    found = (rows.get(item.command_id or 0) for item in accepted.items)
    return any(row is not None and not row.status.is_final for row in found)


def _replayed(accepted: SubmitResult, response: Response) -> Response:
    if accepted.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def _result(
    request: Request,
    index: int,
    one: SubmitItemResult | Refused | CommandRequest,
    rows: Mapping[int, CommandRow],
    wait: WaitOption,
) -> bytes:
    """One result of a list, as JSON text."""
    payload: CcxtCall | None = None
    result: CommandResult | Refused
    if isinstance(one, SubmitItemResult):
        payload = one.command.payload if isinstance(one.command.payload, CcxtCall) else None
        result = call_outcome(one, rows, wait.seconds)
    else:
        assert isinstance(one, Refused), "a wish has been placed"
        result = one
    if isinstance(result, Refused):
        error = call_error(payload, result, request_id_of(request))
        return dumps_fast({"index": index, "ok": False, "error": error}).encode()
    head = f'{{"index":{index},"ok":true,"result":'.encode()
    return head + result_json(result).encode() + b"}"
