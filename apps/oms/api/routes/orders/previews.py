"""Previews of commands: what their account's worker would do with them, without doing it."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.command_results import failure_response
from oms.api.command_submission import load_large_body, submit_and_wait
from oms.api.context import admit_caller, api_context
from oms.api.errors import JsonResponse
from oms.api.openapi.request_bodies import PREVIEWS_BODY
from oms.api.openapi.route_docs import COMMAND_ERRORS, documented
from oms.api.rate_limits import RateLimitKind
from oms.domain.errors import Unavailable
from oms.wire import parameters as p
from oms.wire.commands.preview_requests import read_previews
from oms.wire.responses.preview_rows import PreviewResult, PreviewResults

router = APIRouter()


@router.post(
    "/oms/commands/preview",
    openapi_extra=documented(
        PreviewResults,
        statuses=(200, 207),
        query=p.WAIT,
        body=PREVIEWS_BODY,
        errors=COMMAND_ERRORS,
    ),
)
async def preview_commands(request: Request) -> Response:
    """Return what the accounts' workers would do with commands, each judged by itself."""
    caller = await admit_caller(request)
    commands = read_previews(await load_large_body(await request.body()))
    if len(commands) > 1:  # One was charged with the request.
        limiter, key_id = api_context(request).rate_limiter, caller.principal.api_key_id
        limiter.take(key_id, RateLimitKind.READ, len(commands) - 1)
    submission = await submit_and_wait(request, caller, commands)
    failed = submission.failed
    if failed and len(failed) == len(commands):
        return failure_response(failed)
    results: list[PreviewResult] = []
    for index, sent in enumerate(submission.results):
        preview = submission.value(index) if sent["ok"] else None
        if sent["ok"] and preview is None:
            raise Unavailable("the worker of the account did not answer", code="timeout")
        results.append(
            {
                "index": index,
                "ok": sent["ok"],
                "command_id": sent["command_id"],
                "error": sent["error"],
                "preview": preview,
            }
        )
    return JsonResponse({"results": results}, 207 if failed else 200)
