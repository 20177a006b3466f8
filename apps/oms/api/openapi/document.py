"""The OpenAPI document: FastAPI makes it from the routes and the documentation that they carry.

Added to every operation is what follows from the route: security, headers, the errors of every
route. The document is built on its first request.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from oms.api.browser.site import SECURE_COOKIE
from oms.api.openapi.route_docs import ROUTE_DOCS, RouteDocs
from oms.wire.error_codes import CODES
from oms.wire.json_schema import Schema, json_schemas, without_titles
from oms.wire.parameters import IDEMPOTENCY_KEY, PREFER, REQUEST_ID, Parameter
from oms.wire.responses.command_rows import Error

JSON = "application/json"

_DESCRIPTION = (
    "Every response is JSON, including errors of any status. Decimals are strings in plain "
    "notation, times are RFC 3339 in UTC with microseconds. Keys may be added to responses; "
    "clients must ignore unknown ones. A trailing slash of a path is ignored."
)
_SECURITY: list[dict[str, list[str]]] = [{"api_key": []}, {"bearer": []}, {"session": []}]
_SCHEMES = {
    "api_key": {
        "type": "apiKey",
        "in": "header",
        "name": "x-api-key",
        "description": "An API key or a login token; takes precedence over Authorization.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "The same key or token."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": SECURE_COOKIE.name,
        "description": "The session of a browser, read without the two headers; over plain HTTP "
        "the name is oms_sid_ and the port. A request that changes something also needs Origin "
        "and the header x-csrf-token.",
    },
}
_COMMON_HEADERS = ("X-Request-Id", "X-OMS-Version")
_RATE_LIMIT_HEADERS = (
    *("RateLimit", "RateLimit-Policy"),
    *("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
)
_ERROR_HEADERS = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
_OPTIONAL_HEADERS = frozenset({"Idempotent-Replayed", "Location", "Preference-Applied"})
_TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_HEADERS: Mapping[str, tuple[str, Schema]] = {
    "X-Request-Id": ("The id of this request.", _TEXT),
    "X-OMS-Version": ("The version of the server.", _TEXT),
    "RateLimit": ("State of the rate limit that was charged.", _TEXT),
    "RateLimit-Policy": ("The rate limit that was charged.", _TEXT),
    "X-RateLimit-Limit": ("Its requests per second.", _COUNT),
    "X-RateLimit-Remaining": ("Its remaining requests.", _COUNT),
    "X-RateLimit-Reset": ("Seconds until it is full again.", _COUNT),
    "Retry-After": ("Seconds to wait.", _COUNT),
    "WWW-Authenticate": ("The authentication scheme.", _TEXT),
    "Set-Cookie": ("The cookie of the browser session.", _TEXT),
    "ETag": ("The version of the body, for If-None-Match.", _TEXT),
    "Location": ("The command, if a single one was sent.", _TEXT),
    "Idempotent-Replayed": ("The response is that of the first request.", _TEXT),
    "Preference-Applied": ("The applied part of Prefer.", _TEXT),
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One route with its documentation. Its id is the route's name."""

    route: APIRoute
    docs: RouteDocs

    @property
    def method(self) -> str:
        """The HTTP method."""
        return "".join(self.route.methods or ())

    @property
    def changes(self) -> bool:
        """Whether it may be sent with an ``Idempotency-Key``."""
        return self.method != "GET"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters of query and headers."""
        key = (IDEMPOTENCY_KEY,) if self.changes and not self.docs.is_public else ()
        return (*self.docs.query, *key, REQUEST_ID)

    @property
    def error_statuses(self) -> Sequence[int]:
        """The statuses whose body is the envelope of errors."""
        found = {500, *self.docs.errors}
        if not self.docs.is_public:
            found |= {401, 403, 429, 503}
        if self.docs.query or self.changes:
            found.add(422)
        if "{" in self.route.path:
            found.add(404)
        if self.changes:
            found |= {401, 409, 413}
        return sorted(found - self.docs.failures.keys())

    @property
    def headers(self) -> Iterator[str]:
        """The headers of responses below 400."""
        yield from _COMMON_HEADERS
        if not self.docs.is_public and not self.docs.is_keyless_locally:
            yield from _RATE_LIMIT_HEADERS
        if self.changes:
            yield "Idempotent-Replayed"
        if PREFER in self.docs.query:
            yield "Preference-Applied"
        yield from self.docs.headers


def operations_of(routes: Iterable[object]) -> list[Operation]:
    """Return the documented operations among ``routes``."""
    return [
        Operation(route, route.openapi_extra[ROUTE_DOCS])
        for route in routes
        if isinstance(route, APIRoute) and route.openapi_extra is not None
    ]


def build_document(version: str, routes: Iterable[object]) -> dict[str, Any]:
    """Return the document of ``routes``."""
    operations = operations_of(routes)
    types = [kind for one in operations for kind in _types_of(one.docs)]
    (error, *schemas), named = json_schemas([Error, *types])
    schema_of = dict(zip(map(repr, types), schemas, strict=True))
    document = get_openapi(
        title="oms-gateway",
        version=version,
        description=_DESCRIPTION,
        routes=[_documented_route(one, schema_of) for one in operations],
    )
    for one in operations:
        responses = document["paths"][one.route.path][one.method.lower()]["responses"]
        if 422 not in {*one.error_statuses, *one.docs.failures}:
            responses.pop("422", None)  # FastAPI's own, for a parameter of the path
    bodies = [one.docs.body for one in operations if one.docs.body is not None]
    document["paths"] = without_titles(document["paths"])
    document["components"] = {
        "schemas": dict(sorted((named | _body_schemas(bodies)).items())),
        "responses": {
            f"Refused{status}": _response(status, error, _error_headers(status))
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
    }
    return document


def _types_of(docs: RouteDocs) -> list[Any]:
    return [*docs.answers.values(), *docs.failures.values(), *docs.also_as.values()]


def _body_schemas(bodies: Iterable[Any]) -> dict[str, Schema]:
    return {name: schema for body in bodies for name, schema in body.build_schemas().items()}


def _documented_route(operation: Operation, schema_of: Mapping[str, Schema]) -> APIRoute:
    """Return the route as FastAPI documents it; it is never served."""
    route, docs = operation.route, operation.docs
    extra: dict[str, Any] = {
        "parameters": [_parameter(one) for one in operation.parameters],
        "security": _security(docs),
    }
    if docs.body is not None:
        media = {"schema": docs.body.schema, "example": docs.body.example}
        extra["requestBody"] = {"required": docs.body.is_required, "content": {JSON: media}}
    return APIRoute(
        route.path,
        route.endpoint,
        methods=route.methods,
        name=route.name,
        operation_id=route.name,
        summary=_first_sentence(route.description),
        tags=[route.path.split("/")[1]],
        response_class=route.response_class,
        responses=dict(sorted(_responses(operation, schema_of).items())),
        openapi_extra=extra,
    )


def _first_sentence(text: str) -> str:
    return " ".join(text.split()).split(". ")[0].removesuffix(".")


def _responses(
    operation: Operation, schema_of: Mapping[str, Schema]
) -> dict[int | str, dict[str, Any]]:
    docs, headers = operation.docs, list(operation.headers)
    media = getattr(operation.route.response_class, "media_type", None) or JSON
    responses: dict[int | str, dict[str, Any]] = {
        status: _response(status, schema_of[repr(kind)], headers, media)
        for status, kind in docs.answers.items()
    }
    for other, kind in docs.also_as.items():
        for status in docs.answers:
            responses[status]["content"][other] = {"schema": schema_of[repr(kind)]}
    for status, kind in docs.failures.items():
        responses[status] = _response(status, schema_of[repr(kind)], _error_headers(status))
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


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place.value,
        "required": parameter.is_required,
        "description": parameter.about,
        "schema": dict(parameter.schema),
    }


def _security(docs: RouteDocs) -> list[dict[str, list[str]]]:
    if docs.is_public:
        return []
    return [{}, *_SECURITY] if docs.is_keyless_locally else _SECURITY


def _error_headers(status: int) -> list[str]:
    own = _ERROR_HEADERS.get(status)
    return [*_COMMON_HEADERS, *([own] if own else [])]
