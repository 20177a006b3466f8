"""What exchanges can do, what an account may use of it, and how an account's exchange is reached.

Nothing here speaks to an exchange. How it is reached is told by the account's worker, as a read in
its queue; without a worker the answer says what is known without one.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.adapters.capability_records import (
    account_capability_record,
    capability_record,
    list_allowed_hosts,
)
from oms.api.ccxt_calls import WORKER_ALIVE_SECONDS
from oms.api.context import ApiContext, Caller, admit_caller, api_context, parse_account_id
from oms.api.errors import JsonResponse
from oms.domain.access import Permission, refuse_account
from oms.domain.account import Account
from oms.domain.commands.account_commands import ReadConnection
from oms.domain.commands.command import CommandStatus
from oms.domain.errors import Forbidden, NotFound
from oms.ports.reconcile_store import TRADES_CURSOR
from oms.services.submission.submit import SubmitRequest
from oms.wire.commands.command_requests import CommandRequest
from oms.wire.commands.result_codec import load_result
from oms.wire.json import loads
from oms.wire.query_parameters import read_wait_ms
from oms.wire.responses.connection_status import connection_body

router = APIRouter()

READ_TIMEOUT_MS = 5000


@router.get("/meta/exchanges/{exchange_id}/capabilities")
async def exchange_capabilities(request: Request, exchange_id: str) -> Response:
    """What an exchange can do in an environment, and who says so of each field."""
    await admit_caller(request)
    environment = request.query_params.get("environment")
    return JsonResponse(capability_record(exchange_id[:64], environment))


@router.get("/oms/accounts/{account_id}/capabilities")
async def account_capabilities(request: Request, account_id: str) -> Response:
    """The same of an account's exchange, less what its settings take away."""
    context, who = api_context(request), await admit_caller(request)
    account = await _account(context, who, parse_account_id(account_id))
    return JsonResponse(account_capability_record(account))


@router.get("/oms/accounts/{account_id}/connection")
async def connection(request: Request, account_id: str) -> Response:
    """How the account's exchange is reached, as its worker sees it now."""
    context, who = api_context(request), await admit_caller(request)
    account = await _account(context, who, parse_account_id(account_id))
    wait_ms = read_wait_ms(request.query_params, READ_TIMEOUT_MS)
    told = await _told(context, who, account, wait_ms or READ_TIMEOUT_MS)
    cursors = await context.reconciliations.cursors([account.id])
    swept = [each.updated_at for each in cursors if each.entity == TRADES_CURSOR]
    body = connection_body(
        account_id=account.id,
        exchange_id=account.exchange_id,
        environment=account.environment.value,
        hosts_allowed=list_allowed_hosts(account),
        status_row=told,
        reconciled_at=max(swept, default=None),
        now=context.clock.now(),
    )
    return JsonResponse(body)


async def _told(
    context: ApiContext, who: Caller, account: Account, wait_ms: int
) -> Mapping[str, Any] | None:
    """What the worker says, ``None`` where none answered."""
    if not await context.leases.workers(WORKER_ALIVE_SECONDS):
        return None
    wish = CommandRequest(payload=ReadConnection(), account_id=account.id)
    accepted = await context.submit(
        SubmitRequest(commands=[wish], principal=who.principal, ip=who.ip)
    )
    command_id = accepted.items[0].command_id
    if command_id is None:
        return None
    row = (await context.waiting([command_id], wait_ms / 1000)).get(command_id)
    if row is None or row.status is not CommandStatus.DONE:
        return None
    value = load_result(row.status, row.error, row.result, row.order_id).value
    told: Mapping[str, Any] | None = None if value is None else loads(value)
    return told


async def _account(context: ApiContext, who: Caller, account_id: int) -> Account:
    """An account that the caller may read. Raises ``NotFound``, ``Forbidden``."""
    rows = await context.reads.registry.accounts([account_id])
    if not rows:
        raise NotFound(f"account_id={account_id}", code="account_not_found")
    refused = refuse_account(who.principal, Permission.READ, account_id)
    if refused is not None:
        raise Forbidden(refused.message, code=refused.code)
    return rows[0].account
