"""The documentation that a route carries on its decorator: what it reads and what it answers.

It is only data until the OpenAPI document is built. What follows from the route itself (security,
headers, the errors of every route) is added there.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from oms.api.openapi.request_bodies import Body
from oms.wire.parameters import Parameter

ROUTE_DOCS = "x-route-docs"
"""Key of a route's documentation in its ``openapi_extra``."""

UNKNOWN_ID = frozenset({404})
"""Statuses of a route that reads ids."""

COMMAND_ERRORS = frozenset({404, 502, 504})
"""Statuses of a route that sends commands to workers."""

CALL_ERRORS = frozenset({502, 504})
"""Statuses of a route that calls an exchange."""

SENT = (200, 202)
SENT_MANY = (200, 202, 207)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteDocs:
    """What a route reads and answers; a schema is the type that its handler uses."""

    #: The type of the body by status below 400.
    answers: Mapping[int, Any]
    query: tuple[Parameter, ...]
    body: Body | None
    #: Statuses of errors beside those that follow from what the route is.
    errors: frozenset[int]
    #: Statuses of 400 and more whose body is not an error.
    failures: Mapping[int, Any]
    is_public: bool
    is_keyless_locally: bool
    #: Headers beside those of every response.
    headers: tuple[str, ...]
    #: Types of the same answer in other media types.
    also_as: Mapping[str, Any]


def documented(
    answer: Any,
    *,
    statuses: Collection[int] = (200,),
    query: tuple[Parameter, ...] = (),
    body: Body | None = None,
    errors: frozenset[int] = frozenset(),
    failures: Mapping[int, Any] | None = None,
    is_public: bool = False,
    is_keyless_locally: bool = False,
    headers: tuple[str, ...] = (),
    also_as: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return ``openapi_extra`` of a route: ``answer`` is one type, or the type of each status."""
    docs = RouteDocs(
        answers=answer if isinstance(answer, Mapping) else dict.fromkeys(statuses, answer),
        query=query,
        body=body,
        errors=errors,
        failures=failures or {},
        is_public=is_public,
        is_keyless_locally=is_keyless_locally,
        headers=headers,
        also_as=also_as or {},
    )
    return {ROUTE_DOCS: docs}
