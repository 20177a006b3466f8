"""Exchanges and their capabilities, and the connection of an account to its exchange.

The API process never connects to an exchange: the connection is reported by the account's worker,
as a read in its queue. Without a worker the response has what is known without one.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.command_submission import result_value
from oms.api.context import ApiContext, Caller, admit_caller, api_context, parse_account_id
from oms.api.errors import JsonResponse
from oms.api.openapi.route_docs import documented
from oms.api.routes.path_ids import ExchangeName, PathId
from oms.domain.access import Permission, refuse_account
from oms.domain.account import Account
from oms.domain.commands.account_commands import ReadConnection
from oms.domain.commands.command import CommandStatus
from oms.domain.errors import Forbidden, NotFound
from oms.ports.leases import WORKER_ALIVE_SECONDS
from oms.ports.reconcile_store import TRADES_CURSOR
from oms.services.submission.submit import SubmitRequest
from oms.wire import parameters as p
from oms.wire.commands.command_requests import CommandRequest
from oms.wire.query_parameters import read_wait_ms
from oms.wire.responses.connection_status import Connection, connection_body
from oms.wire.responses.exchange_rows import AccountCapabilities, Capabilities, ExchangeIds

router = APIRouter()

READ_TIMEOUT_MS = 5000


@router.get("/meta/exchanges", openapi_extra=documented(ExchangeIds))
async def list_exchanges(request: Request) -> Response:
    """Return the ids of the supported exchanges."""
    await admit_caller(request)
    return JsonResponse(ExchangeIds(items=[*api_context(request).exchange_catalog.exchange_ids()]))


@router.get(
    "/meta/exchanges/{exchange_id}/capabilities",
    openapi_extra=documented(Capabilities, query=(p.ENVIRONMENT,)),
)
async def get_exchange_capabilities(request: Request, exchange_id: ExchangeName) -> Response:
    """Return the capabilities of an exchange in an environment, each with its source."""
    await admit_caller(request)
    environment = request.query_params.get(p.ENVIRONMENT.name)
    catalog = api_context(request).exchange_catalog
    return JsonResponse(catalog.capabilities(exchange_id[:64], environment))


@router.get(
    "/oms/accounts/{account_id}/capabilities", openapi_extra=documented(AccountCapabilities)
)
async def get_account_capabilities(request: Request, account_id: PathId) -> Response:
    """Return the capabilities of an account's exchange as restricted by the account's settings."""
    context, caller = api_context(request), await admit_caller(request)
    account = await _read_account(context, caller, parse_account_id(account_id))
    return JsonResponse(context.exchange_catalog.account_capabilities(account))


@router.get(
    "/oms/accounts/{account_id}/connection",
    openapi_extra=documented(Connection, query=(p.WAIT_MS,)),
)
async def get_account_connection(request: Request, account_id: PathId) -> Response:
    """Return the state of the account's exchange connection as its worker reports it."""
    context, caller = api_context(request), await admit_caller(request)
    account = await _read_account(context, caller, parse_account_id(account_id))
    wait_ms = read_wait_ms(request.query_params, READ_TIMEOUT_MS) or READ_TIMEOUT_MS
    connection = await _read_connection(context, caller, account, wait_ms)
    cursors = await context.reconciliations.cursors([account.id])
    reconciled_at = [each.updated_at for each in cursors if each.entity == TRADES_CURSOR]
    body = connection_body(
        account_id=account.id,
        exchange_id=account.exchange_id,
        environment=account.environment.value,
        hosts_allowed=context.exchange_catalog.allowed_hosts(account),
        status_row=connection,
        reconciled_at=max(reconciled_at, default=None),
        now=context.clock.now(),
    )
    return JsonResponse(body)


async def _read_connection(
    context: ApiContext, caller: Caller, account: Account, wait_ms: int
) -> Mapping[str, Any] | None:
    """Return the worker's report, ``None`` if no worker answered in time."""
    if not await context.leases.workers(WORKER_ALIVE_SECONDS):
        return None
    command = CommandRequest(payload=ReadConnection(), account_id=account.id)
    submitted = await context.submit(
        SubmitRequest(commands=[command], principal=caller.principal, ip=caller.ip)
    )
    command_id = submitted.items[0].command_id
    if command_id is None:
        return None
    row = (await context.result_waiter([command_id], wait_ms / 1000)).get(command_id)
    if row is None or row.status is not CommandStatus.DONE:
        return None
    connection: Mapping[str, Any] | None = result_value(row)
    return connection


async def _read_account(context: ApiContext, caller: Caller, account_id: int) -> Account:
    """Return an account that the caller may read. Raises ``NotFound``, ``Forbidden``."""
    rows = await context.queries.registry.accounts([account_id])
    if not rows:
        raise NotFound(f"account_id={account_id}", code="account_not_found")
    refused = refuse_account(caller.principal, Permission.READ, account_id)
    if refused is not None:
        raise Forbidden(refused.message, code=refused.code)
    return rows[0].account
