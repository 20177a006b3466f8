"""Deposits, resets and manual prices of paper accounts."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.command_results import failure_response
from oms.api.command_submission import submit_and_wait
from oms.api.context import ApiContext, Caller, admit_caller, api_context, parse_account_id
from oms.api.errors import JsonResponse
from oms.api.openapi.request_bodies import validated
from oms.api.openapi.route_docs import COMMAND_ERRORS, SENT, documented
from oms.api.routes.path_ids import PathId
from oms.domain.account import Engine
from oms.domain.errors import NotFound
from oms.ports.registry import AccountRow
from oms.wire import parameters as p
from oms.wire.commands import command_schemas
from oms.wire.commands.command_requests import (
    CommandRequest,
    read_paper_deposit,
    read_paper_price,
    read_paper_reset,
)
from oms.wire.request_body import load_body
from oms.wire.responses.command_rows import PaperDone

router = APIRouter()

_PRICE = validated(
    "PaperPrice",
    command_schemas.PRICE,
    {"account_id": 1, "symbol": "BTC/USDT:USDT", "bid": "49999", "ask": "50001"},
)
_DEPOSIT = validated(
    "PaperDeposit", command_schemas.DEPOSIT, {"currency": "USDT", "amount": "1000"}
)
_RESET = validated(
    "PaperReset", command_schemas.RESET, {"comment": "a fresh start"}, is_required=False
)


@router.post(
    "/paper/price",
    openapi_extra=documented(
        PaperDone, statuses=SENT, query=p.WAIT, body=_PRICE, errors=COMMAND_ERRORS
    ),
)
async def set_paper_price(request: Request) -> Response:
    """Set a manual price on one paper account, or on all accounts of the key that take one."""
    context, caller = api_context(request), await admit_caller(request)
    command = read_paper_price(load_body(await request.body()))
    return await _execute(request, caller, await _address(context, caller, command))


@router.post(
    "/paper/{account_id}/deposit",
    openapi_extra=documented(
        PaperDone, statuses=SENT, query=p.WAIT, body=_DEPOSIT, errors=COMMAND_ERRORS
    ),
)
async def deposit_paper_money(request: Request, account_id: PathId) -> Response:
    """Deposit money into a paper account; a negative amount is a withdrawal."""
    caller, body = await admit_caller(request), load_body(await request.body())
    return await _execute(request, caller, [read_paper_deposit(parse_account_id(account_id), body)])


@router.post(
    "/paper/{account_id}/reset",
    openapi_extra=documented(
        PaperDone, statuses=SENT, query=p.WAIT, body=_RESET, errors=COMMAND_ERRORS
    ),
)
async def reset_paper_account(request: Request, account_id: PathId) -> Response:
    """Cancel and close everything of a paper account and restore its initial balances."""
    caller, body = await admit_caller(request), load_body(await request.body() or b"{}")
    return await _execute(request, caller, [read_paper_reset(parse_account_id(account_id), body)])


async def _execute(request: Request, caller: Caller, commands: list[CommandRequest]) -> Response:
    submission = await submit_and_wait(request, caller, commands)
    failed, ids = submission.failed, submission.command_ids
    if failed:
        return failure_response(failed)
    body: PaperDone = {
        "ok": True,
        "account_ids": [item.account_id or 0 for item in submission.submitted.items],
        "command_id": ids[0],
        "command_ids": ids,
    }
    return JsonResponse(body, 202 if submission.is_pending else 200)


async def _address(
    context: ApiContext, caller: Caller, command: CommandRequest
) -> list[CommandRequest]:
    """Return the command for each account it is meant for. Raises ``NotFound`` if there is none."""
    if command.account_id is not None:
        return [command]
    symbol = getattr(command.payload, "symbol", "")
    commands = [
        CommandRequest(payload=command.payload, account_id=row.account.id)
        for row in await context.queries.accounts(caller.principal)
        if _takes_manual_price(row, symbol)
    ]
    if not commands:
        message = "no account of this key takes a manual price of the symbol"
        raise NotFound(message, code="account_not_found")
    return commands


def _takes_manual_price(row: AccountRow, symbol: str) -> bool:
    is_paper = row.account.engine is Engine.PAPER
    return is_paper and row.account.paper.source_of(symbol) == "manual"
