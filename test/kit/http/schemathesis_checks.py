"""Schemathesis hooks, loaded in its own process: additional checks, and a log of responses.

``OMS_FUZZ_NOTES`` names a file that gets one line per response: operation id and status.
``OMS_FUZZ_INVALID_SHARE`` is n of the share 1/n of the enumerated invalid requests that are sent.
"""

import functools
import gc
import os
from collections import Counter
from typing import Any

import schemathesis
from schemathesis.config import ProjectConfig
from schemathesis.generation.meta import TestPhase

# Modules and the parsed document stay: the garbage collector need not search them repeatedly.
gc.freeze()
gc.set_threshold(50_000, 50, 50)


def _merged_once(method: Any) -> Any:
    """Keep the merged configuration of each operation and phase, which does not change in a run.

    Schemathesis merges it several times for each request, which takes a tenth of its time.
    """
    merged: dict[tuple[str | None, str | None], Any] = {}

    @functools.wraps(method)
    def of_operation(self: Any, *, operation: Any = None, **options: str | None) -> Any:
        key = (operation and operation.label, options.get("phase"))
        if key not in merged:
            merged[key] = method(self, operation=operation, **options)
        return merged[key]

    return of_operation


for _name in ("phases_for", "generation_for", "checks_config_for"):
    setattr(ProjectConfig, _name, _merged_once(getattr(ProjectConfig, _name)))


_INVALID_SHARE = int(os.environ["OMS_FUZZ_INVALID_SHARE"])
_enumerated: Counter[str] = Counter()


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:
    """Keep every n-th of the invalid requests that are enumerated for an operation.

    They are nine tenths of all requests, and each differs from the one before in a single value.
    """
    if case.meta is None or case.meta.phase.name is not TestPhase.COVERAGE:
        return True
    if not case.meta.generation.mode.is_negative:
        return True
    name = case.operation.label
    _enumerated[name] += 1
    return _enumerated[name] % _INVALID_SHARE == 1 % _INVALID_SHARE


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
