"""The description of one route."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from oms.api.openapi.parameters import IDEMPOTENCY_KEY, REQUEST_ID, Parameter, path_parameter
from oms.api.openapi.schema import Schema

_BRACES = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What a request carries."""

    schema: Schema
    example: object
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path; ``answers`` are the shapes of the statuses below 400."""

    method: str
    path: str
    #: Stable: clients generate names from it.
    name: str
    summary: str
    answers: Mapping[int, Schema]
    query: tuple[Parameter, ...] = ()
    body: Body | None = None
    #: Statuses beside those that follow from what the route is.
    errors: frozenset[int] = frozenset()
    #: Statuses of 400 and more that have a shape of their own.
    custom_errors: Mapping[int, Schema] = field(default_factory=dict)
    is_public: bool = False
    media: str = "application/json"

    @property
    def changes(self) -> bool:
        """Whether it may be sent with an ``Idempotency-Key``."""
        return self.method != "get"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All parameters: of the path, the query and the headers."""
        named = tuple(path_parameter(name) for name in _BRACES.findall(self.path))
        key = (IDEMPOTENCY_KEY,) if self.changes and not self.is_public else ()
        return (*named, *self.query, *key, REQUEST_ID)

    @property
    def error_statuses(self) -> frozenset[int]:
        """The statuses whose body is the envelope of errors."""
        found = {500, *self.errors}
        if not self.is_public:
            found |= {401, 403, 429, 503}
        if self.query or self.changes:
            found.add(422)
        if "{" in self.path:
            found.add(404)
        if self.changes:
            found |= {401, 409, 413}
        return frozenset(found - self.custom_errors.keys())
