"""Bots: their terms, what is wanted of them, what they do, and their history."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import (
    api_context,
    audit_context_of,
    require_confirmed,
    require_permission,
)
from oms.api.errors import JsonResponse
from oms.api.openapi.request_bodies import validated
from oms.api.openapi.route_docs import UNKNOWN_ID, documented
from oms.api.routes.path_ids import PathId, parse_bot_id
from oms.domain.access import Permission
from oms.domain.bots.bot import Bot
from oms.ports.runner.bots import BotEventQuery
from oms.services.bots.bot_admin import BotAdmin
from oms.wire import parameters as p
from oms.wire.bots import bot_requests
from oms.wire.bots.bot_query import read_event_query
from oms.wire.bots.bot_requests import read_bot_change, read_new_bot, read_restart, read_stop
from oms.wire.bots.bot_rows import (
    BotDeleted,
    BotEventPage,
    BotRow,
    bot_event_row,
    bot_row,
)
from oms.wire.bots.figure_rows import BotFiguresRow, bot_figures_row
from oms.wire.request_body import load_body
from oms.wire.responses.value_types import Items

router = APIRouter()

_NEW = validated(
    "NewBot",
    bot_requests.NEW_BOT,
    {
        "name": "btc cross",
        "strategy": "sma_cross",
        "params": {"fast": 20, "slow": 50},
        "account_id": 1,
        "strategy_id": 1,
        "symbols": ["BTC/USDT"],
        "timeframe": "1h",
        "sizing": {"kind": "position_pct", "value": "10"},
    },
)
_CHANGE = validated("BotChange", bot_requests.BOT_CHANGE, {"params": {"fast": 10, "slow": 50}})
_RESTART = validated("BotRestart", bot_requests.RESTART, {"params": {"fast": 10, "slow": 50}})
_STOP = validated("BotStop", bot_requests.STOP, {"positions": "flatten"})


@router.get("/bots", openapi_extra=documented(Items[BotRow]))
async def list_bots(request: Request) -> Response:
    """Return the bots of the accounts and strategies that the caller may read."""
    caller = await require_permission(request, Permission.READ)
    admin = api_context(request).bots
    rows = await admin.all_readable(caller.principal)
    last = await admin.store.last_decisions()
    return JsonResponse(Items(items=[bot_row(bot, last.get(bot.id)) for bot in rows]))


@router.get("/bots/figures", openapi_extra=documented(Items[BotFiguresRow]))
async def list_bot_figures(request: Request) -> Response:
    """Return results of today, open profit, errors, last signal and balances of each bot."""
    caller = await require_permission(request, Permission.READ)
    context = api_context(request)
    rows = await context.bots.all_readable(caller.principal)
    figures = await context.bot_figures(caller.principal, rows)
    return JsonResponse(Items(items=[bot_figures_row(each) for each in figures]))


@router.post("/bots", openapi_extra=documented(BotRow, body=_NEW, errors=UNKNOWN_ID))
async def create_bot(request: Request) -> Response:
    """Create a bot; it is idle until it is started."""
    caller = await require_permission(request, Permission.AUTOMATE)
    body = read_new_bot(load_body(await request.body()))
    context = audit_context_of(request, caller)
    return JsonResponse(bot_row(await _admin(request).create(caller.principal, body, context)))


@router.get("/bots/{bot_id}", openapi_extra=documented(BotRow, errors=UNKNOWN_ID))
async def get_bot(request: Request, bot_id: PathId) -> Response:
    """Return a bot, and what is known of its run."""
    caller = await require_permission(request, Permission.READ)
    bot = await _admin(request).readable(caller.principal, parse_bot_id(bot_id))
    return await _answer(request, bot)


@router.patch("/bots/{bot_id}", openapi_extra=documented(BotRow, body=_CHANGE, errors=UNKNOWN_ID))
async def change_bot(request: Request, bot_id: PathId) -> Response:
    """Change a bot that is stopped."""
    caller, number = await require_permission(request, Permission.AUTOMATE), parse_bot_id(bot_id)
    body = read_bot_change(load_body(await request.body()))
    context = audit_context_of(request, caller)
    bot = await _admin(request).change(caller.principal, number, body, context)
    return await _answer(request, bot)


@router.delete("/bots/{bot_id}", openapi_extra=documented(BotDeleted, errors=UNKNOWN_ID))
async def delete_bot(request: Request, bot_id: PathId) -> Response:
    """Delete a bot that is stopped, with its history; its orders and signals stay."""
    caller, number = await require_permission(request, Permission.AUTOMATE), parse_bot_id(bot_id)
    await _admin(request).delete(caller.principal, number, audit_context_of(request, caller))
    return JsonResponse(BotDeleted(ok=True, bot_id=number))


@router.post(
    "/bots/{bot_id}/start",
    openapi_extra=documented(BotRow, statuses=(202,), errors=UNKNOWN_ID),
)
async def start_bot(request: Request, bot_id: PathId) -> Response:
    """Store that the bot is wanted to run; the runner starts it and reports."""
    caller, number = await require_permission(request, Permission.AUTOMATE), parse_bot_id(bot_id)
    admin = _admin(request)
    bot = await admin.automated(caller.principal, number)
    if await admin.is_live(bot):
        await require_confirmed(request, caller, Permission.AUTOMATE)
    started = await admin.start(bot, audit_context_of(request, caller))
    return await _answer(request, started, status=202)


@router.post(
    "/bots/{bot_id}/restart",
    openapi_extra=documented(BotRow, statuses=(202,), body=_RESTART, errors=UNKNOWN_ID),
)
async def restart_bot(request: Request, bot_id: PathId) -> Response:
    """Store that the bot is wanted to restart, with the given fields changed."""
    caller, number = await require_permission(request, Permission.AUTOMATE), parse_bot_id(bot_id)
    content = await request.body()
    changes = read_restart(load_body(content) if content.strip() else {})
    admin = _admin(request)
    bot = await admin.automated(caller.principal, number)
    if await admin.is_live(bot):
        await require_confirmed(request, caller, Permission.AUTOMATE)
    context = audit_context_of(request, caller)
    restarted = await admin.restart(caller.principal, bot, changes, context)
    return await _answer(request, restarted, status=202)


@router.post(
    "/bots/{bot_id}/stop",
    openapi_extra=documented(BotRow, statuses=(202,), body=_STOP, errors=UNKNOWN_ID),
)
async def stop_bot(request: Request, bot_id: PathId) -> Response:
    """Store that the bot is wanted to stop: with its positions kept, or closed before."""
    caller, number = await require_permission(request, Permission.AUTOMATE), parse_bot_id(bot_id)
    content = await request.body()
    closes_positions = read_stop(load_body(content) if content.strip() else {})
    admin = _admin(request)
    bot = await admin.automated(caller.principal, number)
    context = audit_context_of(request, caller)
    stopped = await admin.stop(bot, context, closes_positions=closes_positions)
    return await _answer(request, stopped, status=202)


@router.get(
    "/bots/{bot_id}/events",
    openapi_extra=documented(
        BotEventPage, query=(p.BOT_EVENT_KIND, p.BEFORE_ID, p.BOT_EVENTS_LIMIT), errors=UNKNOWN_ID
    ),
)
async def list_bot_events(request: Request, bot_id: PathId) -> Response:
    """Return the history of a bot, the newest first: decisions, reports, failures."""
    caller, number = await require_permission(request, Permission.READ), parse_bot_id(bot_id)
    query = read_event_query(number, request.query_params)
    rows = await _admin(request).events(caller.principal, query)
    body: BotEventPage = {
        "items": [bot_event_row(row) for row in rows],
        "next_before_id": rows[-1].id if len(rows) == query.limit else None,
    }
    return JsonResponse(body)


async def _answer(request: Request, bot: Bot, status: int = 200) -> Response:
    """Return a bot with its last decision."""
    query = BotEventQuery(bot_id=bot.id, kind="decision", limit=1)
    last = await _admin(request).store.events(query)
    return JsonResponse(bot_row(bot, last[0] if last else None), status)


def _admin(request: Request) -> BotAdmin:
    return api_context(request).bots
