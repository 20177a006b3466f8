"""Risk policies: read and set the limits of the gateway, of accounts and of strategies."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.command_results import failure_response
from oms.api.command_submission import read_header_comment, submit_and_wait
from oms.api.context import (
    ApiContext,
    Caller,
    admit_caller,
    api_context,
    audit_context_of,
    needs_confirmation,
    parse_account_id,
    require_confirmed,
)
from oms.api.errors import JsonResponse
from oms.api.openapi.request_bodies import validated
from oms.api.openapi.route_docs import COMMAND_ERRORS, SENT, UNKNOWN_ID, documented
from oms.api.routes.risk.kill_switches import build_kill_switch_admin
from oms.domain.access import Permission
from oms.domain.commands.account_commands import ReadRiskUsage, SetRiskPolicy
from oms.domain.errors import Unavailable
from oms.domain.risk.policy import PolicyScope, loosens
from oms.services.submission.risk_policy_admin import RiskPolicyAdmin
from oms.wire import parameters as p
from oms.wire.commands import risk_policy_requests
from oms.wire.commands.command_requests import CommandRequest
from oms.wire.commands.risk_policy_requests import (
    PolicyEdit,
    read_check,
    read_policy_edit,
    read_policy_scope,
    read_preset,
    read_reset,
)
from oms.wire.request_body import load_body
from oms.wire.responses.risk_policy_rows import (
    CheckRow,
    LimitRow,
    PolicyRow,
    ResetRow,
    UsageRows,
    limit_rows,
)

router = APIRouter()

_POLICY = validated(
    "RiskPolicyEdit",
    risk_policy_requests.POLICY,
    {
        "scope": "account",
        "scope_id": 1,
        "keys": {"max_order_notional": "500"},
        "comment": "first week",
    },
)
_CHECK = validated(
    "RiskCheck",
    risk_policy_requests.CHECK,
    {
        "account_id": 1,
        "order": {"symbol": "BTC/USDT:USDT", "side": "buy", "order_type": "market", "qty": "0.01"},
    },
)
_PRESET = validated(
    "RiskPreset",
    risk_policy_requests.PRESET,
    {"account_id": 1, "preset": "standard", "comment": "first week"},
)


_RESET = validated(
    "RiskReset",
    risk_policy_requests.RESET,
    {"account_id": 1, "key": "max_total_drawdown_pct", "comment": "reviewed"},
)


@router.get(
    "/risk/policy",
    openapi_extra=documented(
        PolicyRow, query=(p.POLICY_SCOPE, p.POLICY_SCOPE_ID), errors=UNKNOWN_ID
    ),
)
async def get_risk_policy(request: Request) -> Response:
    """Return the limits that one scope sets."""
    context, caller = api_context(request), await admit_caller(request)
    query = request.query_params
    scope, scope_id = read_policy_scope(
        query.get(p.POLICY_SCOPE.name), query.get(p.POLICY_SCOPE_ID.name)
    )
    stored = await _build_admin(context).limits(caller.principal, scope, scope_id)
    return JsonResponse(_policy(scope, scope_id, limit_rows(stored.limits), stored.unreadable))


@router.put(
    "/risk/policy",
    openapi_extra=documented(
        PolicyRow, statuses=SENT, query=(*p.WAIT, p.COMMENT), body=_POLICY, errors=COMMAND_ERRORS
    ),
)
async def set_risk_policy(request: Request) -> Response:
    """Set keys of one scope; they rule the next order, elsewhere within a second."""
    caller = await admit_caller(request)
    edit = read_policy_edit(load_body(await request.body()), read_header_comment(request))
    await _require_confirmed_loosening(request, caller, edit)
    if edit.scope is PolicyScope.ACCOUNT:
        return await _change_account(request, caller, edit)
    audit_context = audit_context_of(request, caller, edit.comment)
    stored = await _build_admin(api_context(request)).change(
        caller.principal, edit.scope, edit.scope_id, edit.settings, audit_context
    )
    body = _policy(edit.scope, edit.scope_id, limit_rows(stored.limits), stored.unreadable)
    return JsonResponse(body)


@router.post(
    "/risk/policy/preset",
    openapi_extra=documented(
        PolicyRow, statuses=SENT, query=(*p.WAIT, p.COMMENT), body=_PRESET, errors=COMMAND_ERRORS
    ),
)
async def apply_risk_preset(request: Request) -> Response:
    """Replace the limits of an account by those of a preset."""
    caller = await admit_caller(request)
    edit = read_preset(load_body(await request.body()), read_header_comment(request))
    await _require_confirmed_loosening(request, caller, edit)
    return await _change_account(request, caller, edit)


@router.post(
    "/risk/reset",
    openapi_extra=documented(
        ResetRow, statuses=SENT, query=(*p.WAIT, p.COMMENT), body=_RESET, errors=COMMAND_ERRORS
    ),
)
async def reset_risk(request: Request) -> Response:
    """Set the high-water mark of an account to its equity, so that entries pass again."""
    caller = await admit_caller(request)
    account_id, payload = read_reset(load_body(await request.body()), read_header_comment(request))
    await require_confirmed(request, caller, Permission.KILL_OFF)
    command = CommandRequest(payload=payload, account_id=account_id)
    submission = await submit_and_wait(request, caller, [command])
    (result,) = submission.results
    if not result["ok"]:
        return failure_response([result])
    outcome: dict[str, str] = submission.value(0) or {}
    body: ResetRow = {
        "ok": True,
        "account_id": account_id,
        "key": payload.key,
        "high_water": outcome.get("high_water"),
        "currency": outcome.get("currency"),
        "reset_at": outcome.get("reset_at"),
        "command_id": submission.command_ids[0],
    }
    return submission.add_headers(JsonResponse(body, 200 if outcome else 202))


@router.get(
    "/risk/usage",
    openapi_extra=documented(
        UsageRows, query=(p.ACCOUNT_ID_REQUIRED, *p.WAIT), errors=COMMAND_ERRORS
    ),
)
async def get_risk_usage(request: Request) -> Response:
    """Return the limits that rule an account and what is in use of them, from its worker."""
    caller = await admit_caller(request)
    account_id = parse_account_id(request.query_params.get(p.ACCOUNT_ID_REQUIRED.name, ""))
    outcome = await _read(
        request, caller, CommandRequest(payload=ReadRiskUsage(), account_id=account_id)
    )
    if isinstance(outcome, Response):
        return outcome
    body: UsageRows = {
        "account_id": account_id,
        "items": outcome["items"],
        "unreadable": outcome["unreadable"],
        "currency": outcome["currency"],
    }
    return JsonResponse(body)


@router.post(
    "/risk/check",
    openapi_extra=documented(CheckRow, query=p.WAIT, body=_CHECK, errors=COMMAND_ERRORS),
)
async def check_risk(request: Request) -> Response:
    """Return the verdict of the account's worker on an order, without the order."""
    caller = await admit_caller(request)
    account_id, payload = read_check(load_body(await request.body()))
    outcome = await _read(request, caller, CommandRequest(payload=payload, account_id=account_id))
    return outcome if isinstance(outcome, Response) else JsonResponse(outcome)


async def _read(request: Request, caller: Caller, command: CommandRequest) -> Any:
    """Return what the account's worker answers to a read, or the response that replaces it."""
    submission = await submit_and_wait(request, caller, [command])
    (result,) = submission.results
    if not result["ok"]:
        return failure_response([result])
    outcome = submission.value(0)
    if outcome is None:
        raise Unavailable("the worker of the account did not answer", code="timeout")
    return outcome


async def _require_confirmed_loosening(request: Request, caller: Caller, edit: PolicyEdit) -> None:
    """Refuse a looser limit by an unconfirmed browser session. Raises ``Forbidden``."""
    if await needs_confirmation(request, caller, Permission.KILL_OFF):
        stored = await api_context(request).risk_policies.of_scope(edit.scope, edit.scope_id)
        if stored.unreadable or loosens(stored.limits, edit.settings):
            await require_confirmed(request, caller, Permission.KILL_OFF)


async def _change_account(request: Request, caller: Caller, edit: PolicyEdit) -> Response:
    payload = SetRiskPolicy(keys=edit.keys, preset=edit.preset, comment=edit.comment)
    command = CommandRequest(payload=payload, account_id=edit.scope_id)
    submission = await submit_and_wait(request, caller, [command])
    (result,) = submission.results
    if not result["ok"]:
        return failure_response([result])
    outcome = submission.value(0)
    limits: list[LimitRow] = [] if outcome is None else outcome["limits"]
    unreadable = None if outcome is None else outcome["unreadable"]
    body = _policy(edit.scope, edit.scope_id, limits, unreadable, submission.command_ids[0])
    return submission.add_headers(JsonResponse(body, 202 if outcome is None else 200))


def _policy(
    scope: PolicyScope,
    scope_id: int,
    limits: list[LimitRow],
    unreadable: str | None,
    command_id: int | None = None,
) -> PolicyRow:
    return {
        "ok": True,
        "scope": scope.value,
        "scope_id": scope_id,
        "limits": limits,
        "unreadable": unreadable,
        "command_id": command_id,
    }


def _build_admin(context: ApiContext) -> RiskPolicyAdmin:
    return RiskPolicyAdmin(store=context.risk_policies, scopes=build_kill_switch_admin(context))
