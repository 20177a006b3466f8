"""The document, put together from operations and shapes."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from oms.api.openapi import (
    discrepancies,
    exchange_info,
    kill_switches,
    operations_admin,
    operations_ledger,
    operations_system,
    schemas_admin,
    schemas_ledger,
)
from oms.api.openapi.operation import Operation
from oms.api.openapi.request_bodies import body_schemas
from oms.api.openapi.schema import COUNT, TEXT, Schema, ref
from oms.wire.error_codes import CODES

JSON = "application/json"
OPERATIONS: tuple[Operation, ...] = (
    *operations_system.OPERATIONS,
    *operations_ledger.OPERATIONS,
    *operations_admin.OPERATIONS,
    *discrepancies.OPERATIONS,
    *kill_switches.OPERATIONS,
    *exchange_info.OPERATIONS,
)
"""Everything that the HTTP contract has; a document shows what is served."""

KEYLESS_ON_LOOPBACK = frozenset({"get_metrics"})
"""Operations that this machine itself may ask without a key."""

_DESCRIPTION = (
    "Every answer is JSON, errors of any status included. Decimals are text in plain notation, "
    "times are RFC 3339 in UTC with microseconds. Keys may be added to answers; clients ignore "
    "what they do not know. A trailing slash of a path does not matter."
)
_SECURITY: list[dict[str, list[str]]] = [{"api_key": []}, {"bearer": []}]
_SCHEMES = {
    "api_key": {
        "type": "apiKey",
        "in": "header",
        "name": "x-api-key",
        "description": "A key or a login token; counts before Authorization.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "The same key or token."},
}
_OF_ALL = ("X-Request-Id", "X-OMS-Version")
_OF_BUDGETS = (
    *("RateLimit", "RateLimit-Policy"),
    *("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
)
_AT_TIMES = frozenset({"Idempotent-Replayed", "Location", "Preference-Applied"})
_HEADERS: Mapping[str, tuple[str, Schema]] = {
    "X-Request-Id": ("The id of this request.", TEXT),
    "X-OMS-Version": ("The version that answered.", TEXT),
    "RateLimit": ("What is left of the budget that was used.", TEXT),
    "RateLimit-Policy": ("The budget that was used.", TEXT),
    "X-RateLimit-Limit": ("Its size a second.", COUNT),
    "X-RateLimit-Remaining": ("What is left of it.", COUNT),
    "X-RateLimit-Reset": ("Seconds until it is full again.", COUNT),
    "Retry-After": ("Seconds to wait.", COUNT),
    "WWW-Authenticate": ("How to show who one is.", TEXT),
    "Location": ("The command, where one was sent.", TEXT),
    "Idempotent-Replayed": ("The answer is the first one's.", TEXT),
    "Preference-Applied": ("What of Prefer was honoured.", TEXT),
}


def build_document(version: str, served: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The document for the routes that are served, each a method and a path."""
    wanted = {(method.lower(), path) for method, path in served}
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        if (operation.method, operation.path) in wanted:
            paths.setdefault(operation.path, {})[operation.method] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "oms-gateway", "version": version, "description": _DESCRIPTION},
        "paths": paths,
        "components": {
            "schemas": {
                **schemas_admin.SCHEMAS,
                **schemas_ledger.SCHEMAS,
                **discrepancies.SCHEMAS,
                **kill_switches.SCHEMAS,
                **exchange_info.SCHEMAS,
                **body_schemas(),
            },
            "responses": {
                f"Refused{status}": _answer(status, ref("Error"), _headers_of_refusal(status))
                for status in sorted({kind.status for kind in CODES.values()})
            },
            "securitySchemes": _SCHEMES,
            "headers": {
                name: {"description": about, "required": name not in _AT_TIMES, "schema": schema}
                for name, (about, schema) in _HEADERS.items()
            },
        },
    }


def _described(operation: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.path.split("/")[1]],
        "parameters": list(operation.parameters),
        "responses": {str(status): told for status, told in sorted(_answers(operation).items())},
        "security": _security(operation),
    }
    if operation.body is not None:
        media = {"schema": operation.body.schema, "example": operation.body.example}
        told["requestBody"] = {"required": operation.body.required, "content": {JSON: media}}
    return told


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    if operation.is_public:
        return []
    return [{}, *_SECURITY] if operation.name in KEYLESS_ON_LOOPBACK else _SECURITY


def _answers(operation: Operation) -> dict[int, Any]:
    headers = _headers(operation)
    told = {
        status: _answer(status, schema, headers, operation.media)
        for status, schema in operation.answers.items()
    }
    for status, schema in operation.custom_errors.items():
        told[status] = _answer(status, schema, _headers_of_refusal(status))
    for status in operation.error_statuses:
        told[status] = {"$ref": f"#/components/responses/Refused{status}"}
    return told


def _answer(
    status: int, schema: Schema, headers: Iterable[str], media: str = JSON
) -> dict[str, Any]:
    return {
        "description": HTTPStatus(status).phrase,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers},
        "content": {media: {"schema": schema}},
    }


def _headers(operation: Operation) -> list[str]:
    named = [*_OF_ALL]
    if not operation.is_public and operation.name not in KEYLESS_ON_LOOPBACK:
        named += _OF_BUDGETS
    if operation.changes:
        named.append("Idempotent-Replayed")
    if operation.name == "send_commands":
        named.append("Location")
    if any(parameter["name"] == "Prefer" for parameter in operation.query):
        named.append("Preference-Applied")
    return named


def _headers_of_refusal(status: int) -> list[str]:
    more = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
    return [*_OF_ALL, more[status]] if status in more else [*_OF_ALL]
