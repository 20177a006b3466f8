"""Schemathesis hooks, loaded in its own process: additional checks, and a log of responses.

``OMS_FUZZ_NOTES`` names a file that gets one line per response: operation id and status.
"""

import gc
import os
from typing import Any

import schemathesis

# Modules and the parsed document stay: the garbage collector need not search them repeatedly.
gc.freeze()
gc.set_threshold(50_000, 50, 50)


@schemathesis.check
def never_500(ctx: Any, response: Any, case: Any) -> None:
    """The status is not 500."""
    assert response.status_code != 500, response.text


@schemathesis.check
def errors_have_envelope(ctx: Any, response: Any, case: Any) -> None:
    """Error responses have the error envelope with the id of the request."""
    is_repeat = (
        "idempotent-replayed" in response.headers
    )  # then it has the id of the first response
    if response.status_code >= 400 and not is_repeat:
        detail = response.json().get("detail")
        if detail is not None:
            assert detail["request_id"] == response.headers["x-request-id"][0]


@schemathesis.hook
def after_call(ctx: Any, case: Any, response: Any) -> None:
    """Log operation and status."""
    name = case.operation.definition.raw["operationId"]
    with open(os.environ["OMS_FUZZ_NOTES"], "a", encoding="ascii") as notes:
        notes.write(f"{name} {response.status_code}\n")
