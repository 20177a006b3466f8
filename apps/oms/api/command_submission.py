"""Submission of a route's commands and the wait for their results; idempotency keys."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from oms.api.command_results import build_results
from oms.api.context import Caller, api_context
from oms.api.errors import refusal_response, request_id_of
from oms.domain.commands.command import CommandStatus
from oms.domain.errors import Refused
from oms.ports.command_queue import CommandRow
from oms.services.submission.submit import IdempotencyKey, SubmitRequest, SubmitResult
from oms.wire.commands.command_requests import CommandRequest
from oms.wire.commands.result_codec import load_result
from oms.wire.json import canonical_json_steps, loads
from oms.wire.parameters import COMMENT_CHARACTERS_MAX, IDEMPOTENCY_KEY_CHARACTERS_MAX
from oms.wire.query_parameters import WaitOption, read_wait
from oms.wire.request_body import load_body, load_body_steps, malformed_at
from oms.wire.responses.command_rows import CommandResultRow
from oms.wire.steps import in_steps

LARGE_BODY_BYTES = 16 * 1024
PENDING_STATUSES = frozenset({CommandStatus.QUEUED.value, CommandStatus.RUNNING.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """Submitted commands with their rows and results once they ended or the wait was over."""

    submitted: SubmitResult
    #: Stored commands by id; without those that could not be read in time.
    rows: Mapping[int, CommandRow]
    #: One per command, in the order of the commands.
    results: list[CommandResultRow]
    wait: WaitOption

    @property
    def command_ids(self) -> list[int]:
        """Ids of the stored commands."""
        return command_ids_of(self.submitted)

    @property
    def failed(self) -> list[CommandResultRow]:
        """The results that are errors."""
        return [row for row in self.results if not row["ok"]]

    @property
    def is_pending(self) -> bool:
        """Whether a command has not ended."""
        return any(row["status"] in PENDING_STATUSES for row in self.results)

    def value(self, index: int) -> Any:
        """Return the decoded JSON value of a command's result; ``None`` if it has none yet."""
        row = self.rows.get(self.submitted.items[index].command_id or 0)
        return None if row is None else result_value(row)

    def add_headers(self, response: Response) -> Response:
        """Add ``Location`` (for one command), ``Idempotent-Replayed``, ``Preference-Applied``."""
        if len(self.command_ids) == 1:
            response.headers["Location"] = f"/oms/commands/{self.command_ids[0]}"
        if self.submitted.replayed:
            response.headers["Idempotent-Replayed"] = "true"
        if self.wait.applied is not None:
            response.headers["Preference-Applied"] = self.wait.applied
        return response


async def submit_and_wait(
    request: Request,
    caller: Caller,
    commands: Sequence[CommandRequest],
    *,
    key: IdempotencyKey | None = None,
    wait: WaitOption | None = None,
) -> Submission:
    """Store ``commands`` and wait for their results, for ``wait`` or as the request says.

    A replay of an idempotency key does not wait. Raises ``OmsError``.
    """
    context = api_context(request)
    if wait is None:
        default_ms = context.settings.commands.default_wait_ms
        wait = read_wait(request.query_params, request.headers.get("prefer"), default_ms)
    submitted = SubmitResult(items=())
    if commands:
        submit_request = SubmitRequest(
            commands=commands, principal=caller.principal, ip=caller.ip, key=key
        )
        submitted = await context.submit(submit_request)
    seconds = 0 if submitted.replayed else wait.seconds
    rows = await context.result_waiter(command_ids_of(submitted), seconds)
    results = await build_results(submitted.items, rows, request_id_of(request), None)
    return Submission(submitted=submitted, rows=rows, results=results, wait=wait)


def command_ids_of(submitted: SubmitResult) -> list[int]:
    """Return the ids of the stored commands; refused ones have none."""
    return [item.command_id for item in submitted.items if item.command_id is not None]


def result_value(row: CommandRow) -> Any:
    """Return the decoded JSON value of a stored command's result, ``None`` if it has none."""
    value = load_result(row.status, row.error, row.result, row.order_id).value
    return None if value is None else loads(value)


def read_header_comment(request: Request) -> str:
    """Return the header ``X-Comment``, cut to ``COMMENT_CHARACTERS_MAX``; empty without one."""
    return (request.headers.get("x-comment") or "")[:COMMENT_CHARACTERS_MAX]


async def read_idempotency_key(
    headers: Mapping[str, str], user_id: int, path: str, body: object, method: str = "POST"
) -> IdempotencyKey | None:
    """Return the key of the header ``Idempotency-Key``, ``None`` without one.

    Its scope is user, method and path. Raises ``Malformed``.
    """
    name = headers.get("idempotency-key")
    if name is None:
        return None
    is_visible = name.isascii() and name.isprintable() and " " not in name
    if not is_visible or not 0 < len(name) <= IDEMPOTENCY_KEY_CHARACTERS_MAX:
        msg = f"1 to {IDEMPOTENCY_KEY_CHARACTERS_MAX} visible ASCII characters are expected"
        raise malformed_at(("header", "Idempotency-Key"), msg)
    text = await in_steps(canonical_json_steps(body))
    return IdempotencyKey(scope=f"{user_id} {method} {path} {name}", body=text)


async def load_large_body(raw: bytes) -> object:
    """Return ``load_body``; other requests run between the steps of the work on a large body.

    Raises ``Malformed``.
    """
    if len(raw) <= LARGE_BODY_BYTES:
        return load_body(raw)
    await asyncio.sleep(0)  # the body has just been joined
    return await in_steps(load_body_steps(raw))


def in_flight_response(request_id: str, results: list[CommandResultRow]) -> Response:
    """Return the 409 response to a repeat before the first request has ended."""
    message = "the first request under this Idempotency-Key is still being executed"
    refused = Refused(code="idempotency_in_flight", message=message, outcome="unknown")
    return refusal_response(refused, request_id, results=results)
