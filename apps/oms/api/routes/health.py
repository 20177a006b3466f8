"""Operations: health, version, and the money and manual prices of paper accounts."""

import os
import platform
from importlib.metadata import version as version_of

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.command_results import build_results, first_error
from oms.api.context import ApiContext, Caller, admit_caller, api_context, parse_account_id
from oms.api.errors import JsonResponse, detail_response, request_id_of
from oms.domain.account import Engine
from oms.domain.errors import NotFound, Unavailable
from oms.ports.registry import AccountRow
from oms.services.submission.submit import SubmitRequest
from oms.wire.commands.command_requests import (
    CommandRequest,
    read_paper_deposit,
    read_paper_price,
    read_paper_reset,
)
from oms.wire.query_parameters import read_wait
from oms.wire.request_body import load_body

router = APIRouter()

WORKER_ALIVE_SECONDS = 15.0
OUTBOX_LAG_SECONDS_MAX = 10.0


@router.get("/healthz")
async def healthz(request: Request) -> Response:
    """Whether the database answers."""
    context = api_context(request)
    is_well = await _answers(context)
    body = {
        "status": "ok" if is_well else "degraded",
        "app": "oms-gateway",
        "env": context.settings.env,
        "db_engine": context.health.dialect,
    }
    return JsonResponse(body, 200 if is_well else 503, _retry(is_well))


@router.get("/livez")
async def livez() -> Response:
    """The process runs."""
    return JsonResponse({"status": "ok"})


@router.get("/readyz")
async def readyz(request: Request) -> Response:
    """Whether a command sent now would be carried out."""
    checks = await _checks(api_context(request))
    is_ready = all(checks.values())
    told = {name: "ok" if passed else "failed" for name, passed in checks.items()}
    body = {"status": "ready" if is_ready else "not_ready", "checks": told}
    return JsonResponse(body, 200 if is_ready else 503, _retry(is_ready))


@router.get("/version")
async def version(request: Request) -> Response:
    """What runs here."""
    context = api_context(request)
    try:
        schema = await context.health.schema_version()
    except Unavailable:
        schema = None
    return JsonResponse(
        {
            "name": "oms-gateway",
            "version": context.version,
            "commit": os.environ.get("OMS_COMMIT"),
            "schema_version": schema,
            "ccxt_version": version_of("ccxt"),
            "python_version": platform.python_version(),
        }
    )


@router.post("/paper/price")
async def paper_price(request: Request) -> Response:
    """Set a manual price on one paper account, or on all of the key that take one."""
    context, who = api_context(request), await admit_caller(request)
    wish = read_paper_price(load_body(await request.body()))
    return await _submitted(request, who, await _addressed(context, who, wish))


@router.post("/paper/{account_id}/deposit")
async def paper_deposit(request: Request, account_id: str) -> Response:
    """Pay money into a paper account, or below zero out of it."""
    who, body = await admit_caller(request), load_body(await request.body())
    return await _submitted(request, who, [read_paper_deposit(parse_account_id(account_id), body)])


@router.post("/paper/{account_id}/reset")
async def paper_reset(request: Request, account_id: str) -> Response:
    """Cancel and close all of a paper account and begin with its first balances."""
    who, body = await admit_caller(request), load_body(await request.body() or b"{}")
    return await _submitted(request, who, [read_paper_reset(parse_account_id(account_id), body)])


async def _submitted(request: Request, who: Caller, commands: list[CommandRequest]) -> Response:
    """The answer to control commands of paper accounts."""
    context = api_context(request)
    wait = read_wait(
        request.query_params,
        request.headers.get("prefer"),
        context.settings.commands.default_wait_ms,
    )
    accepted = await context.submit(
        SubmitRequest(commands=commands, principal=who.principal, ip=who.ip)
    )
    ids = [item.command_id for item in accepted.items if item.command_id is not None]
    rows = await context.waiting(ids, wait.seconds)
    results = await build_results(accepted.items, rows, request_id_of(request), None)
    failed = [row for row in results if not row["ok"]]
    if failed:
        return detail_response(first_error(failed), failed[0]["error"])
    is_pending = any(row["status"] in ("queued", "running") for row in results)
    body = {
        "ok": True,
        "account_ids": [item.account_id for item in accepted.items],
        "command_id": ids[0],
        "command_ids": ids,
    }
    return JsonResponse(body, 202 if is_pending else 200)


async def _addressed(
    context: ApiContext, who: Caller, wish: CommandRequest
) -> list[CommandRequest]:
    if wish.account_id is not None:
        return [wish]
    symbol = getattr(wish.payload, "symbol", "")
    found = [
        CommandRequest(payload=wish.payload, account_id=row.account.id)
        for row in await context.reads.accounts(who.principal)
        if _takes_price(row, symbol)
    ]
    if not found:
        message = "no account of this key takes a manual price of the symbol"
        raise NotFound(message, code="account_not_found")
    return found


def _takes_price(row: AccountRow, symbol: str) -> bool:
    paper = row.account.paper
    is_paper = row.account.engine is Engine.PAPER
    return is_paper and paper.sources.get(symbol, paper.source) == "manual"


async def _answers(context: ApiContext) -> bool:
    try:
        await context.health.ping()
    except Unavailable:
        return False
    return True


async def _checks(context: ApiContext) -> dict[str, bool]:
    names = ("database", "migrations", "workers", "queue", "outbox")
    if not await _answers(context):
        return dict.fromkeys(names, False)
    try:
        schema = await context.health.schema_version()
        workers = await context.leases.workers(WORKER_ALIVE_SECONDS)
    except Unavailable:
        return dict.fromkeys(names, False)
    expected = context.schema_expected
    return {
        "database": True,
        "migrations": schema is not None and expected in (None, schema),
        "workers": bool(workers),
        "queue": context.depths.longest_queue() < context.settings.commands.queue_depth_max,
        "outbox": context.sockets is None or context.sockets.lag_seconds() < OUTBOX_LAG_SECONDS_MAX,
    }


def _retry(is_well: bool) -> dict[str, str]:
    return {} if is_well else {"Retry-After": "1"}
