"""The ccxt gateway's thin path: reads of the exchange an account trades on.

A call is a command like any other, answered by the account's worker; the API process itself
never speaks to an exchange.
"""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.deps import Caller, Doors, account_id_of, caller, doors
from oms.api.errors import JsonResponse, refusal, request_id_of
from oms.domain.command import CcxtCall, CommandStatus
from oms.domain.errors import Forbidden, Invalid, Refused, Unavailable
from oms.ports.leases import Leases
from oms.services.submit import Ask
from oms.wire.bodies import load_body
from oms.wire.calls import CORE_READS, READS, is_stream, snake_case
from oms.wire.queries import Wait, read_wait
from oms.wire.results import load_result
from oms.wire.wishes import Wish, read_call

router = APIRouter()

READ_TIMEOUT_MS = 30_000
WORKER_ALIVE_SECONDS = 15.0


@router.post("/ccxt/core/{account_id}/{func}")
async def core_call(request: Request, account_id: str, func: str) -> Response:
    """A call whose body is the method's keyword arguments."""
    who, name = await caller(request), snake_case(func)
    if name not in CORE_READS:
        raise Invalid(f"{name[:64]} is no method of /ccxt/core", code="unsupported_func")
    body = load_body(await request.body())
    wish = read_call(name, {"kwargs": body})
    return await _called(request, who, account_id_of(account_id), wish)


@router.post("/ccxt/{account_id}/{func}")
async def call(request: Request, account_id: str, func: str) -> Response:
    """A call by position and keyword, passed on unchanged."""
    who, name = await caller(request), snake_case(func)
    judge(name)
    wish = read_call(name, load_body(await request.body()))
    return await _called(request, who, account_id_of(account_id), wish)


def judge(func: str) -> None:
    """Refuse methods that may not be called. Raises ``Invalid``, ``Forbidden``."""
    if is_stream(func):
        raise Invalid("streams are served by the WebSocket", code="unsupported_func")
    if func not in READS:
        message = f"the ccxt method {func[:64]!r} may not be called"
        raise Forbidden(message, code="ccxt_method_not_allowed")


async def _called(request: Request, who: Caller, account_id: int, wish: CcxtCall) -> Response:
    parts = doors(request)
    wait = read_wait(request.query_params, None, READ_TIMEOUT_MS)
    ask = Ask(
        wishes=[Wish(payload=wish, account_id=account_id)], principal=who.principal, ip=who.ip
    )
    await need_worker(parts.leases)
    return await _answer(parts, ask, wait, request_id_of(request))


async def need_worker(leases: Leases) -> None:
    """Refuse where no worker lives to make a call. Raises ``Unavailable``."""
    if not await leases.workers(WORKER_ALIVE_SECONDS):
        raise Unavailable("no worker is alive to make the call", code="engine_unavailable")


async def _answer(parts: Doors, ask: Ask, wait: Wait, request_id: str) -> Response:
    (item,) = (await parts.submit(ask)).items
    if item.refused is not None:
        return refusal(item.refused, request_id)
    assert item.command_id is not None
    row = (await parts.waiting([item.command_id], max(wait.seconds, 1))).get(item.command_id)
    if row is None or not row.status.is_final:
        message = f"the exchange did not answer within {wait.seconds:g} s"
        return refusal(Refused(code="timeout", message=message), request_id)
    result = load_result(row.status, row.error, row.result, row.order_id)
    if result.error is not None:
        return refusal(result.error, request_id)
    assert result.status is CommandStatus.DONE
    value = (result.value or "null").encode()
    return JsonResponse(b'{"ok":true,"result":' + value + b"}")
