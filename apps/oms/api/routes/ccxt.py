"""The ccxt gateway over HTTP: single calls, calls by keyword, and lists of calls."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.budgets import BUDGET, Kind
from oms.api.ccxt_calls import (
    BATCH_SECONDS,
    command_of,
    ended,
    judge,
    need_worker,
    seconds_for,
    told,
    value_of,
)
from oms.api.deps import Caller, account_id_of, caller, doors, identified
from oms.api.errors import JsonResponse, as_refused, refusal, request_id_of
from oms.api.routes.commands import idempotency_key, in_flight
from oms.domain.command import CcxtCall, CommandResult
from oms.domain.errors import Invalid, OmsError, Refused
from oms.ports.queue import CommandRow
from oms.services.submit import Accepted, Ask, Placed
from oms.wire.bodies import load_body, wrong_at
from oms.wire.calls import CORE_READS, CORE_TRADES, snake_case
from oms.wire.ccxt_core import read_core
from oms.wire.json import dumps_plain
from oms.wire.queries import Wait, is_true, read_wait
from oms.wire.values import read_id
from oms.wire.wishes import Wish, read_call

router = APIRouter()


@router.post("/ccxt/commands")
async def calls(request: Request) -> Response:
    """A list of calls, one after the other unless ``parallel``; always 200."""
    parts = doors(request)
    who = await identified(request.scope, request.headers, parts)
    body = load_body(await request.body())
    items = body if isinstance(body, list) else [body]
    if len(items) > parts.settings.commands.items_max:
        msg = f"at most {parts.settings.commands.items_max} calls in one body"
        raise wrong_at(("body",), msg, "too_long")
    count = max(len(items), 1)
    request.scope[BUDGET] = parts.budgets.take(who.principal.api_key_id, Kind.CCXT, count)
    wait = read_wait(request.query_params, None, int(BATCH_SECONDS * 1000))
    read = [await _read(request, item) for item in items]
    wishes = [one for one in read if isinstance(one, Wish)]
    parallel = is_true(request.query_params, "parallel") or len(wishes) < 2
    accepted = await _submitted(request, who, wishes, wait, body, parallel=parallel)
    rows = await _rows(request, accepted, wait)
    if accepted.replayed and _is_pending(accepted, rows):
        return in_flight(request_id_of(request), [])
    placed = iter(accepted.items)
    results = [
        _result(request, index, next(placed) if isinstance(one, Wish) else one, rows, wait)
        for index, one in enumerate(read)
    ]
    return _replayed(accepted, JsonResponse(b'{"results":[' + b",".join(results) + b"]}"))


@router.post("/ccxt/core/{account_id}/{func}")
async def core_call(request: Request, account_id: str, func: str) -> Response:
    """A call whose body is the method's keyword arguments."""
    who, name = await caller(request), snake_case(func)
    if name not in CORE_READS | CORE_TRADES:
        raise Invalid(f"{name[:64]} is no method of /ccxt/core", code="unsupported_func")
    body = load_body(await request.body())
    try:
        wish = read_core(name, body)
    except Invalid as wrong:
        if name not in CORE_TRADES:
            raise
        errors = getattr(wrong, "errors", [])
        command = command_of(CcxtCall(func=name))
        refused = as_refused(wrong)
        return refusal(refused, request_id_of(request), command=command, errors=errors)
    return await _called(request, who, Wish(payload=wish, account_id=account_id_of(account_id)))


@router.post("/ccxt/{account_id}/{func}")
async def call(request: Request, account_id: str, func: str) -> Response:
    """A call by position and keyword, passed on unchanged."""
    who, name = await caller(request), snake_case(func)
    number = account_id_of(account_id)
    await judge(name, number, doors(request).submit.registry)
    wish = read_call(name, load_body(await request.body()))
    return await _called(request, who, Wish(payload=wish, account_id=number))


async def _called(request: Request, who: Caller, wish: Wish) -> Response:
    parts, payload = doors(request), wish.payload
    assert isinstance(payload, CcxtCall)
    wait = read_wait(request.query_params, None, int(seconds_for(payload) * 1000))
    await need_worker(parts.leases)
    body = load_body(await request.body())
    accepted = await _submitted(request, who, [wish], wait, body, parallel=True)
    rows = await _rows(request, accepted, wait)
    (item,) = accepted.items
    request_id = request_id_of(request)
    if accepted.replayed and _is_pending(accepted, rows):
        return in_flight(request_id, [])
    result = ended(item, rows, wait.seconds)
    if isinstance(result, Refused):
        return _replayed(accepted, refusal(result, request_id, command=command_of(payload)))
    body_text = b'{"ok":true,"result":' + value_of(result).encode() + b"}"
    return _replayed(accepted, JsonResponse(body_text))


async def _read(request: Request, item: object) -> Wish | Refused:
    """One call of a list, or what is wrong with it."""
    try:
        if not isinstance(item, dict):
            raise wrong_at(("body",), "an object is expected", "object")
        account_id = _account_id(item)
        func = item.get("func")
        if not isinstance(func, str):
            raise wrong_at(("func",), "func names the method", "missing")
        name = snake_case(func)
        await judge(name, account_id, doors(request).submit.registry)
        return Wish(payload=read_call(name, item), account_id=account_id)
    except OmsError as wrong:
        return as_refused(wrong)


def _account_id(item: Mapping[str, Any]) -> int:
    if item.get("account_id") is None:
        raise Invalid("account_id is required", code="missing_account_id")
    try:
        return read_id(item["account_id"])
    except ValueError:
        raise wrong_at(("account_id",), "an account id is expected") from None


async def _submitted(
    request: Request,
    who: Caller,
    wishes: Sequence[Wish],
    wait: Wait,
    body: object,
    *,
    parallel: bool,
) -> Accepted:
    if not wishes:
        return Accepted(items=())
    parts = doors(request)
    await need_worker(parts.leases)
    key = idempotency_key(
        request.headers, who.principal.user_id, request.scope["path"], body, request.method
    )
    return await parts.submit(
        Ask(
            wishes=wishes,
            principal=who.principal,
            ip=who.ip,
            parallel=parallel,
            hold_seconds=wait.seconds,
            key=key,
        )
    )


async def _rows(request: Request, accepted: Accepted, wait: Wait) -> Mapping[int, CommandRow]:
    ids = [item.command_id for item in accepted.items if item.command_id is not None]
    seconds = 0 if accepted.replayed else wait.seconds
    return await doors(request).waiting(ids, seconds)


def _is_pending(accepted: Accepted, rows: Mapping[int, CommandRow]) -> bool:
    found = (rows.get(item.command_id or 0) for item in accepted.items)
    return any(row is not None and not row.status.is_final for row in found)


def _replayed(accepted: Accepted, response: Response) -> Response:
    if accepted.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def _result(
    request: Request,
    index: int,
    one: Placed | Refused | Wish,
    rows: Mapping[int, CommandRow],
    wait: Wait,
) -> bytes:
    """One result of a list, as JSON text."""
    payload: CcxtCall | None = None
    result: CommandResult | Refused
    if isinstance(one, Placed):
        payload = one.wish.payload if isinstance(one.wish.payload, CcxtCall) else None
        result = ended(one, rows, wait.seconds)
    else:
        assert isinstance(one, Refused), "a wish has been placed"
        result = one
    if isinstance(result, Refused):
        error = told(payload, result, request_id_of(request))
        return dumps_plain({"index": index, "ok": False, "error": error}).encode()
    head = f'{{"index":{index},"ok":true,"result":'.encode()
    return head + value_of(result).encode() + b"}"
