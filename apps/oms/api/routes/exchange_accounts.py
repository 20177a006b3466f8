"""What exchanges can do, what an account may use of it, and how an account's exchange is reached.

Nothing here speaks to an exchange. How it is reached is told by the account's worker, as a read in
its queue; without a worker the answer says what is known without one.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.adapters.capability_records import hosts_allowed, record_of, record_of_account
from oms.api.ccxt_calls import WORKER_ALIVE_SECONDS
from oms.api.deps import Caller, Doors, account_id_of, caller, doors
from oms.api.errors import JsonResponse
from oms.domain.access import Permission, refuse_account
from oms.domain.account import Account
from oms.domain.command import CommandStatus
from oms.domain.control import ReadConnection
from oms.domain.errors import Forbidden, NotFound
from oms.ports.reconciliation import TRADES_READ
from oms.services.submit import Ask
from oms.wire.connection import connection_body
from oms.wire.json import loads
from oms.wire.queries import read_wait_ms
from oms.wire.results import load_result
from oms.wire.wishes import Wish

router = APIRouter()

ANSWER_MS = 5000


@router.get("/meta/exchanges/{exchange_id}/capabilities")
async def of_exchange(request: Request, exchange_id: str) -> Response:
    """What an exchange can do in an environment, and who says so of each field."""
    await caller(request)
    environment = request.query_params.get("environment")
    return JsonResponse(record_of(exchange_id[:64], environment))


@router.get("/oms/accounts/{account_id}/capabilities")
async def of_account(request: Request, account_id: str) -> Response:
    """The same of an account's exchange, less what its settings take away."""
    parts, who = doors(request), await caller(request)
    account = await _account(parts, who, account_id_of(account_id))
    return JsonResponse(record_of_account(account))


@router.get("/oms/accounts/{account_id}/connection")
async def connection(request: Request, account_id: str) -> Response:
    """How the account's exchange is reached, as its worker sees it now."""
    parts, who = doors(request), await caller(request)
    account = await _account(parts, who, account_id_of(account_id))
    wait_ms = read_wait_ms(request.query_params, ANSWER_MS)
    told = await _told(parts, who, account, wait_ms or ANSWER_MS)
    cursors = await parts.reconciliations.cursors([account.id])
    swept = [each.updated_at for each in cursors if each.entity == TRADES_READ]
    body = connection_body(
        account_id=account.id,
        exchange_id=account.exchange_id,
        environment=account.environment.value,
        hosts_allowed=hosts_allowed(account),
        told=told,
        swept_at=max(swept, default=None),
        now=parts.clock.now(),
    )
    return JsonResponse(body)


async def _told(
    parts: Doors, who: Caller, account: Account, wait_ms: int
) -> Mapping[str, Any] | None:
    """What the worker says, ``None`` where none answered."""
    if not await parts.leases.workers(WORKER_ALIVE_SECONDS):
        return None
    wish = Wish(payload=ReadConnection(), account_id=account.id)
    accepted = await parts.submit(Ask(wishes=[wish], principal=who.principal, ip=who.ip))
    command_id = accepted.items[0].command_id
    if command_id is None:
        return None
    row = (await parts.waiting([command_id], wait_ms / 1000)).get(command_id)
    if row is None or row.status is not CommandStatus.DONE:
        return None
    value = load_result(row.status, row.error, row.result, row.order_id).value
    told: Mapping[str, Any] | None = None if value is None else loads(value)
    return told


async def _account(parts: Doors, who: Caller, account_id: int) -> Account:
    """An account that the caller may read. Raises ``NotFound``, ``Forbidden``."""
    rows = await parts.reads.registry.accounts([account_id])
    if not rows:
        raise NotFound(f"account_id={account_id}", code="account_not_found")
    refused = refuse_account(who.principal, Permission.READ, account_id)
    if refused is not None:
        raise Forbidden(refused.message, code=refused.code)
    return rows[0].account
