"""The ccxt gateway over HTTP: single calls, core calls by keyword, and lists of calls."""

import asyncio
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
from oms.api.command_submission import (
    command_ids_of,
    in_flight_response,
    load_large_body,
    read_idempotency_key,
)
from oms.api.context import Caller, admit_caller, api_context, identify_caller, parse_account_id
from oms.api.errors import JsonResponse, refusal_response, request_id_of, to_refused
from oms.api.openapi.request_bodies import described, object_of, validated
from oms.api.openapi.route_docs import CALL_ERRORS, documented
from oms.api.rate_limits import RATE_LIMIT_SCOPE_KEY, RateLimitKind
from oms.api.routes.path_ids import MethodName, PathId
from oms.domain.commands.command import CcxtCall, CommandResult
from oms.domain.errors import Invalid, OmsError, Refused
from oms.ports.command_queue import CommandRow
from oms.services.submission.submit import SubmitItemResult, SubmitRequest, SubmitResult
from oms.wire import parameters as p
from oms.wire.ccxt.core_requests import CORE_CALL_SCHEMA, read_core_call
from oms.wire.ccxt.method_names import CORE_READ_METHODS, CORE_TRADE_METHODS, snake_case
from oms.wire.commands import command_schemas
from oms.wire.commands.command_requests import CommandRequest, read_ccxt_call
from oms.wire.field_types import read_id
from oms.wire.json import dumps_fast
from oms.wire.query_parameters import WaitOption, is_true, read_wait
from oms.wire.request_body import malformed_at
from oms.wire.responses.command_rows import CallDone, CallResults
from oms.wire.steps import chunks

router = APIRouter()

_CALL = validated(
    "Call", command_schemas.CALL, {"args": ["BTC/USDT:USDT"], "kwargs": {}}, is_required=False
)
_CORE_CALL = described("CoreCall", CORE_CALL_SCHEMA, {"symbol": "BTC/USDT:USDT"}, is_required=False)
_CALL_ITEM = object_of(
    {"account_id": {"type": "integer", "minimum": 1}, "func": {"type": "string"}},
    {"args": {"type": "array"}, "kwargs": {"type": "object"}},
)
_CALLS = described(
    "Calls",
    {"anyOf": [_CALL_ITEM, {"type": "array", "items": _CALL_ITEM}]},
    [{"account_id": 1, "func": "fetch_ticker", "args": ["BTC/USDT:USDT"]}],
)


@router.post(
    "/ccxt/commands",
    openapi_extra=documented(
        CallResults, query=(p.PARALLEL, *p.CALL_WAIT), body=_CALLS, errors=CALL_ERRORS
    ),
)
async def call_ccxt_many(request: Request) -> Response:
    """Execute a list of calls, sequentially unless ``parallel``; the status is always 200."""
    context = api_context(request)
    caller = await identify_caller(request.scope, request.headers, context)
    body = await load_large_body(await request.body())
    items = body if isinstance(body, list) else [body]
    if len(items) > context.settings.commands.items_max:
        msg = f"at most {context.settings.commands.items_max} calls in one body"
        raise malformed_at(("body",), msg, "too_long")
    count = max(len(items), 1)
    request.scope[RATE_LIMIT_SCOPE_KEY] = context.rate_limiter.take(
        caller.principal.api_key_id, RateLimitKind.CCXT, count
    )
    wait = read_wait(request.query_params, None, int(BATCH_SECONDS * 1000))
    parsed = []
    for some in chunks(items):
        parsed += [await _read_item(request, item) for item in some]
        await asyncio.sleep(0)
    commands = [each for each in parsed if isinstance(each, CommandRequest)]
    parallel = is_true(request.query_params, p.PARALLEL) or len(commands) < 2
    submitted = await _submit(request, caller, commands, wait, body, parallel=parallel)
    rows = await _wait(request, submitted, wait)
    if submitted.replayed and _is_pending(submitted, rows):
        return in_flight_response(request_id_of(request), [])
    item_results = iter(submitted.items)
    results = [
        _build_result(
            request,
            index,
            next(item_results) if isinstance(each, CommandRequest) else each,
            rows,
            wait,
        )
        for index, each in enumerate(parsed)
    ]
    return _mark_replayed(submitted, JsonResponse(b'{"results":[' + b",".join(results) + b"]}"))


@router.post(
    "/ccxt/core/{account_id}/{func}",
    openapi_extra=documented(CallDone, query=p.CALL_WAIT, body=_CORE_CALL, errors=CALL_ERRORS),
)
async def call_ccxt_core(request: Request, account_id: PathId, func: MethodName) -> Response:
    """Execute a core method; the body is its keyword arguments."""
    caller, name = await admit_caller(request), snake_case(func)
    if name not in CORE_READ_METHODS | CORE_TRADE_METHODS:
        raise Invalid(f"{name[:64]} is not a method of /ccxt/core", code="unsupported_func")
    body = await load_large_body(await request.body())
    try:
        payload = read_core_call(name, body)
    except Invalid as error:
        if name not in CORE_TRADE_METHODS:
            raise
        errors = getattr(error, "errors", [])
        refused, kind = to_refused(error), error_command(CcxtCall(func=name))
        return refusal_response(refused, request_id_of(request), command=kind, errors=errors)
    number = parse_account_id(account_id)
    command = CommandRequest(payload=payload, account_id=number)
    return await _execute(request, caller, command, body)


@router.post(
    "/ccxt/{account_id}/{func}",
    openapi_extra=documented(CallDone, query=p.CALL_WAIT, body=_CALL, errors=CALL_ERRORS),
)
async def call_ccxt(request: Request, account_id: PathId, func: MethodName) -> Response:
    """Execute a ccxt method with positional and keyword arguments, passed on unchanged."""
    caller, name = await admit_caller(request), snake_case(func)
    number = parse_account_id(account_id)
    await check_method_allowed(name, number, api_context(request).submit.registry)
    body = await load_large_body(await request.body())
    command = CommandRequest(payload=read_ccxt_call(name, body), account_id=number)
    return await _execute(request, caller, command, body)


async def _execute(
    request: Request, caller: Caller, command: CommandRequest, body: object
) -> Response:
    context, payload = api_context(request), command.payload
    assert isinstance(payload, CcxtCall)
    wait = read_wait(request.query_params, None, int(default_wait_seconds(payload) * 1000))
    await require_live_worker(context.leases)
    submitted = await _submit(request, caller, [command], wait, body, parallel=True)
    rows = await _wait(request, submitted, wait)
    (item,) = submitted.items
    request_id = request_id_of(request)
    if submitted.replayed and _is_pending(submitted, rows):
        return in_flight_response(request_id, [])
    result = call_outcome(item, rows, wait.seconds)
    if isinstance(result, Refused):
        response = refusal_response(result, request_id, command=error_command(payload))
        return _mark_replayed(submitted, response)
    body_text = b'{"ok":true,"result":' + result_json(result).encode() + b"}"
    return _mark_replayed(submitted, JsonResponse(body_text))


async def _read_item(request: Request, item: object) -> CommandRequest | Refused:
    """Return one call of a list, or its validation error."""
    try:
        if not isinstance(item, dict):
            raise malformed_at(("body",), "an object is expected", "object")
        account_id = _read_account_id(item)
        func = item.get("func")
        if not isinstance(func, str):
            raise malformed_at(("func",), "func names the method", "missing")
        name = snake_case(func)
        await check_method_allowed(name, account_id, api_context(request).submit.registry)
        return CommandRequest(payload=read_ccxt_call(name, item), account_id=account_id)
    except OmsError as error:
        return to_refused(error)


def _read_account_id(item: Mapping[str, Any]) -> int:
    if item.get("account_id") is None:
        raise Invalid("account_id is required", code="missing_account_id")
    try:
        return read_id(item["account_id"])
    except ValueError:
        raise malformed_at(("account_id",), "an account id is expected") from None


async def _submit(
    request: Request,
    caller: Caller,
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
    user_id, path = caller.principal.user_id, request.scope["path"]
    key = await read_idempotency_key(request.headers, user_id, path, body, request.method)
    return await context.submit(
        SubmitRequest(
            commands=commands,
            principal=caller.principal,
            ip=caller.ip,
            parallel=parallel,
            hold_seconds=wait.seconds,
            key=key,
        )
    )


async def _wait(
    request: Request, submitted: SubmitResult, wait: WaitOption
) -> Mapping[int, CommandRow]:
    context = api_context(request)
    seconds = 0 if submitted.replayed else wait.seconds
    return await context.result_waiter(command_ids_of(submitted), seconds)


def _is_pending(submitted: SubmitResult, rows: Mapping[int, CommandRow]) -> bool:
    stored = (rows.get(item.command_id or 0) for item in submitted.items)
    return any(row is not None and not row.status.is_final for row in stored)


def _mark_replayed(submitted: SubmitResult, response: Response) -> Response:
    if submitted.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def _build_result(
    request: Request,
    index: int,
    item: SubmitItemResult | Refused | CommandRequest,
    rows: Mapping[int, CommandRow],
    wait: WaitOption,
) -> bytes:
    """Return one result of a list as JSON text."""
    payload: CcxtCall | None = None
    result: CommandResult | Refused
    if isinstance(item, SubmitItemResult):
        payload = item.command.payload if isinstance(item.command.payload, CcxtCall) else None
        result = call_outcome(item, rows, wait.seconds)
    else:
        assert isinstance(item, Refused), "a command has been submitted"
        result = item
    if isinstance(result, Refused):
        error = call_error(payload, result, request_id_of(request))
        return dumps_fast({"index": index, "ok": False, "error": error}).encode()
    head = f'{{"index":{index},"ok":true,"result":'.encode()
    return head + result_json(result).encode() + b"}"
