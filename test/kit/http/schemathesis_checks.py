"""Loaded by schemathesis, in its own process: what it checks besides, and what it writes down.

``OMS_FUZZ_NOTES`` names a file that gets one line per answer: operation and status.
"""

import os
from typing import Any

import schemathesis


@schemathesis.check
def never_500(ctx: Any, response: Any, case: Any) -> None:
    """The server met no error of its own."""
    assert response.status_code != 500, response.text


@schemathesis.check
def errors_have_envelope(ctx: Any, response: Any, case: Any) -> None:
    """Whatever goes wrong is told in one envelope, under the id of the request."""
    is_repeat = "idempotent-replayed" in response.headers  # then it is the first answer's id
    if response.status_code >= 400 and not is_repeat:
        told = response.json().get("detail")
        if told is not None:
            assert told["request_id"] == response.headers["x-request-id"][0]


@schemathesis.hook
def after_call(ctx: Any, case: Any, response: Any) -> None:
    """Note what was answered."""
    name = case.operation.definition.raw["operationId"]
    with open(os.environ["OMS_FUZZ_NOTES"], "a", encoding="ascii") as notes:
        notes.write(f"{name} {response.status_code}\n")
