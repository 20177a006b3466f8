"""Price alerts of an account, kept and watched by its worker."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.command_results import failure_response
from oms.api.command_submission import Submission, submit_and_wait
from oms.api.context import Caller, admit_caller, parse_account_id
from oms.api.errors import JsonResponse
from oms.api.openapi.request_bodies import validated
from oms.api.openapi.route_docs import COMMAND_ERRORS, SENT, documented
from oms.api.routes.path_ids import PathId, parse_alert_id
from oms.domain.commands.account_commands import AccountPayload, DeleteAlert, ReadAlerts
from oms.domain.errors import Unavailable
from oms.wire import parameters as p
from oms.wire.commands.alert_requests import ALERT, read_alert
from oms.wire.commands.command_requests import CommandRequest
from oms.wire.request_body import load_body
from oms.wire.responses.alert_rows import AlertCreated, AlertDeleted, AlertRow
from oms.wire.responses.value_types import Items

router = APIRouter()

_ALERT = validated(
    "PriceAlertRequest",
    ALERT,
    {
        "account_id": 1,
        "symbol": "BTC/USDT:USDT",
        "condition": "above",
        "price": "70000",
        "note": "take a look",
    },
)


@router.get(
    "/alerts",
    openapi_extra=documented(
        Items[AlertRow], query=(p.ACCOUNT_ID_REQUIRED, *p.WAIT), errors=COMMAND_ERRORS
    ),
)
async def list_alerts(request: Request) -> Response:
    """Return the price alerts of an account that have not fired, from its worker."""
    caller = await admit_caller(request)
    submission = await _submit(request, caller, _account_of(request), ReadAlerts())
    if isinstance(submission, Response):
        return submission
    outcome = submission.value(0)
    if outcome is None:
        raise Unavailable("the worker of the account did not answer", code="timeout")
    return JsonResponse(Items(items=outcome["items"]))


@router.post(
    "/alerts",
    openapi_extra=documented(
        AlertCreated, statuses=SENT, query=p.WAIT, body=_ALERT, errors=COMMAND_ERRORS
    ),
)
async def create_alert(request: Request) -> Response:
    """Create a price alert: one event when the price reaches it, and it is gone."""
    caller = await admit_caller(request)
    account_id, payload = read_alert(load_body(await request.body()))
    submission = await _submit(request, caller, account_id, payload)
    if isinstance(submission, Response):
        return submission
    alert = submission.value(0)
    body: AlertCreated = {"ok": True, "alert": alert, "command_id": submission.command_ids[0]}
    return submission.add_headers(JsonResponse(body, 202 if alert is None else 200))


@router.delete(
    "/alerts/{alert_id}",
    openapi_extra=documented(
        AlertDeleted,
        statuses=SENT,
        query=(p.ACCOUNT_ID_REQUIRED, *p.WAIT),
        errors=COMMAND_ERRORS,
    ),
)
async def delete_alert(request: Request, alert_id: PathId) -> Response:
    """Delete a price alert that has not fired."""
    caller, number = await admit_caller(request), parse_alert_id(alert_id)
    payload = DeleteAlert(alert_id=number)
    submission = await _submit(request, caller, _account_of(request), payload)
    if isinstance(submission, Response):
        return submission
    body: AlertDeleted = {
        "ok": True,
        "alert_id": number,
        "command_id": submission.command_ids[0],
    }
    status = 202 if submission.value(0) is None else 200
    return submission.add_headers(JsonResponse(body, status))


def _account_of(request: Request) -> int:
    return parse_account_id(request.query_params.get(p.ACCOUNT_ID_REQUIRED.name, ""))


async def _submit(
    request: Request, caller: Caller, account_id: int, payload: AccountPayload
) -> Submission | Response:
    """Return the submission, or the response to its failure."""
    command = CommandRequest(payload=payload, account_id=account_id)
    submission = await submit_and_wait(request, caller, [command])
    (result,) = submission.results
    return submission if result["ok"] else failure_response([result])
