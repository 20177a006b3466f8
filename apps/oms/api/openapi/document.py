"""The OpenAPI document, built from operations and schemas."""

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
"""All operations of the HTTP API; a document has those that are served."""

KEYLESS_ON_LOOPBACK = frozenset({"get_metrics"})
"""Operations that need no key from the gateway's own host."""

_DESCRIPTION = (
    "Every response is JSON, including errors of any status. Decimals are strings in plain "
    "notation, times are RFC 3339 in UTC with microseconds. Keys may be added to responses; "
    "clients must ignore unknown ones. A trailing slash of a path is ignored."
)
_SECURITY: list[dict[str, list[str]]] = [{"api_key": []}, {"bearer": []}]
_SCHEMES = {
    "api_key": {
        "type": "apiKey",
        "in": "header",
        "name": "x-api-key",
        "description": "An API key or a login token; takes precedence over Authorization.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "The same key or token."},
}
_COMMON_HEADERS = ("X-Request-Id", "X-OMS-Version")
_RATE_LIMIT_HEADERS = (
    *("RateLimit", "RateLimit-Policy"),
    *("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
)
_OPTIONAL_HEADERS = frozenset({"Idempotent-Replayed", "Location", "Preference-Applied"})
_HEADERS: Mapping[str, tuple[str, Schema]] = {
    "X-Request-Id": ("The id of this request.", TEXT),
    "X-OMS-Version": ("The version of the server.", TEXT),
    "RateLimit": ("State of the rate limit that was charged.", TEXT),
    "RateLimit-Policy": ("The rate limit that was charged.", TEXT),
    "X-RateLimit-Limit": ("Its requests per second.", COUNT),
    "X-RateLimit-Remaining": ("Its remaining requests.", COUNT),
    "X-RateLimit-Reset": ("Seconds until it is full again.", COUNT),
    "Retry-After": ("Seconds to wait.", COUNT),
    "WWW-Authenticate": ("The authentication scheme.", TEXT),
    "Location": ("The command, if a single one was sent.", TEXT),
    "Idempotent-Replayed": ("The response is that of the first request.", TEXT),
    "Preference-Applied": ("The applied part of Prefer.", TEXT),
}


def build_document(version: str, served: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the document of the served routes, each a method and a path."""
    routes = {(method.lower(), path) for method, path in served}
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        if (operation.method, operation.path) in routes:
            paths.setdefault(operation.path, {})[operation.method] = _operation_object(operation)
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
                f"Refused{status}": _response(status, ref("Error"), _error_headers(status))
                for status in sorted({kind.status for kind in CODES.values()})
            },
            "securitySchemes": _SCHEMES,
            "headers": {
                name: {
                    "description": about,
                    "required": name not in _OPTIONAL_HEADERS,
                    "schema": schema,
                }
                for name, (about, schema) in _HEADERS.items()
            },
        },
    }


def _operation_object(operation: Operation) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.path.split("/")[1]],
        "parameters": list(operation.parameters),
        "responses": {str(status): each for status, each in sorted(_responses(operation).items())},
        "security": _security(operation),
    }
    if operation.body is not None:
        media = {"schema": operation.body.schema, "example": operation.body.example}
        fields["requestBody"] = {"required": operation.body.required, "content": {JSON: media}}
    return fields


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    if operation.is_public:
        return []
    return [{}, *_SECURITY] if operation.name in KEYLESS_ON_LOOPBACK else _SECURITY


def _responses(operation: Operation) -> dict[int, Any]:
    headers = _headers(operation)
    responses = {
        status: _response(status, schema, headers, operation.media)
        for status, schema in operation.answers.items()
    }
    for status, schema in operation.custom_errors.items():
        responses[status] = _response(status, schema, _error_headers(status))
    for status in operation.error_statuses:
        responses[status] = {"$ref": f"#/components/responses/Refused{status}"}
    return responses


def _response(
    status: int, schema: Schema, headers: Iterable[str], media: str = JSON
) -> dict[str, Any]:
    return {
        "description": HTTPStatus(status).phrase,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers},
        "content": {media: {"schema": schema}},
    }


def _headers(operation: Operation) -> list[str]:
    named = [*_COMMON_HEADERS]
    if not operation.is_public and operation.name not in KEYLESS_ON_LOOPBACK:
        named += _RATE_LIMIT_HEADERS
    if operation.changes:
        named.append("Idempotent-Replayed")
    if operation.name == "send_commands":
        named.append("Location")
    if any(parameter["name"] == "Prefer" for parameter in operation.query):
        named.append("Preference-Applied")
    return named


def _error_headers(status: int) -> list[str]:
    more = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
    return [*_COMMON_HEADERS, more[status]] if status in more else [*_COMMON_HEADERS]
