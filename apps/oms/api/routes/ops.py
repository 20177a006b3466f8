"""Operations: health, version, and the money and manual prices of paper accounts."""

import os
import platform
from importlib.metadata import version as version_of

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.deps import Caller, Doors, account_id_of, caller, doors
from oms.api.errors import JsonResponse, failure, request_id_of
from oms.api.results import first_error, results_of
from oms.domain.account import Engine
from oms.domain.errors import NotFound, Unavailable
from oms.ports.registry import AccountRow
from oms.services.submit import Ask
from oms.wire.bodies import load_body
from oms.wire.queries import read_wait
from oms.wire.wishes import Wish, read_paper_deposit, read_paper_price, read_paper_reset

router = APIRouter()

WORKER_ALIVE_SECONDS = 15.0
OUTBOX_LAG_SECONDS_MAX = 10.0


@router.get("/healthz")
async def healthz(request: Request) -> Response:
    """Whether the database answers."""
    parts = doors(request)
    is_well = await _answers(parts)
    body = {
        "status": "ok" if is_well else "degraded",
        "app": "oms-gateway",
        "env": parts.settings.env,
        "db_engine": parts.health.dialect,
    }
    return JsonResponse(body, 200 if is_well else 503, _retry(is_well))


@router.get("/livez")
async def livez() -> Response:
    """The process runs."""
    return JsonResponse({"status": "ok"})


@router.get("/readyz")
async def readyz(request: Request) -> Response:
    """Whether a command sent now would be carried out."""
    checks = await _checks(doors(request))
    is_ready = all(checks.values())
    told = {name: "ok" if passed else "failed" for name, passed in checks.items()}
    body = {"status": "ready" if is_ready else "not_ready", "checks": told}
    return JsonResponse(body, 200 if is_ready else 503, _retry(is_ready))


@router.get("/version")
async def version(request: Request) -> Response:
    """What runs here."""
    parts = doors(request)
    try:
        schema = await parts.health.schema_version()
    except Unavailable:
        schema = None
    return JsonResponse(
        {
            "name": "oms-gateway",
            "version": parts.version,
            "commit": os.environ.get("OMS_COMMIT"),
            "schema_version": schema,
            "ccxt_version": version_of("ccxt"),
            "python_version": platform.python_version(),
        }
    )


@router.post("/paper/price")
async def paper_price(request: Request) -> Response:
    """Set a manual price on one paper account, or on all of the key that take one."""
    parts, who = doors(request), await caller(request)
    wish = read_paper_price(load_body(await request.body()))
    return await _submitted(request, who, await _addressed(parts, who, wish))


@router.post("/paper/{account_id}/deposit")
async def paper_deposit(request: Request, account_id: str) -> Response:
    """Pay money into a paper account, or below zero out of it."""
    who, body = await caller(request), load_body(await request.body())
    return await _submitted(request, who, [read_paper_deposit(account_id_of(account_id), body)])


@router.post("/paper/{account_id}/reset")
async def paper_reset(request: Request, account_id: str) -> Response:
    """Cancel and close all of a paper account and begin with its first balances."""
    who, body = await caller(request), load_body(await request.body() or b"{}")
    return await _submitted(request, who, [read_paper_reset(account_id_of(account_id), body)])


async def _submitted(request: Request, who: Caller, wishes: list[Wish]) -> Response:
    """The answer to control commands of paper accounts."""
    parts = doors(request)
    wait = read_wait(
        request.query_params,
        request.headers.get("prefer"),
        parts.settings.commands.default_wait_ms,
    )
    accepted = await parts.submit(Ask(wishes=wishes, principal=who.principal, ip=who.ip))
    ids = [item.command_id for item in accepted.items if item.command_id is not None]
    rows = await parts.waiting(ids, wait.seconds)
    results = await results_of(accepted.items, rows, request_id_of(request), None)
    failed = [row for row in results if not row["ok"]]
    if failed:
        return failure(first_error(failed), failed[0]["error"])
    is_pending = any(row["status"] in ("queued", "running") for row in results)
    body = {
        "ok": True,
        "account_ids": [item.account_id for item in accepted.items],
        "command_id": ids[0],
        "command_ids": ids,
    }
    return JsonResponse(body, 202 if is_pending else 200)


async def _addressed(parts: Doors, who: Caller, wish: Wish) -> list[Wish]:
    if wish.account_id is not None:
        return [wish]
    symbol = getattr(wish.payload, "symbol", "")
    found = [
        Wish(payload=wish.payload, account_id=row.account.id)
        for row in await parts.reads.accounts(who.principal)
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


async def _answers(parts: Doors) -> bool:
    try:
        await parts.health.ping()
    except Unavailable:
        return False
    return True


async def _checks(parts: Doors) -> dict[str, bool]:
    names = ("database", "migrations", "workers", "queue", "outbox")
    if not await _answers(parts):
        return dict.fromkeys(names, False)
    try:
        schema = await parts.health.schema_version()
        workers = await parts.leases.workers(WORKER_ALIVE_SECONDS)
    except Unavailable:
        return dict.fromkeys(names, False)
    expected = parts.schema_expected
    return {
        "database": True,
        "migrations": schema is not None and expected in (None, schema),
        "workers": bool(workers),
        "queue": parts.depths.deepest() < parts.settings.commands.queue_depth_max,
        "outbox": parts.sockets is None or parts.sockets.lag_seconds() < OUTBOX_LAG_SECONDS_MAX,
    }


def _retry(is_well: bool) -> dict[str, str]:
    return {} if is_well else {"Retry-After": "1"}
