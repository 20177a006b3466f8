"""Types of values in responses: ids, exact decimals, times, enumerations.

For the type checker they are plain JSON types; the annotations are their JSON Schemas.
"""

from typing import Annotated, Generic, TypeVar

from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict

from oms.domain.ids import ID_MAX

Row = TypeVar("Row")

Id = Annotated[int, Field(ge=1, le=ID_MAX)]
Count = Annotated[int, Field(ge=0)]
DecimalText = Annotated[str, Field(pattern=r"^-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?$")]
"""An exact decimal in plain notation: no exponent, no trailing zeros."""

TimeText = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""RFC 3339 in UTC with microseconds."""


def one_of(*words: str) -> WithJsonSchema:
    """Return the JSON Schema of a text that is one of ``words``."""
    return WithJsonSchema({"type": "string", "enum": list(words)})


SideText = Annotated[str, one_of("buy", "sell")]
ActiveText = Annotated[str, one_of("active", "disabled")]
EnvironmentText = Annotated[str, one_of("paper", "testnet", "demo", "loopback", "live")]
CommandStatusText = Annotated[
    str, one_of("queued", "running", "done", "failed", "refused", "unknown")
]


class Items(TypedDict, Generic[Row]):
    """All rows of a kind."""

    items: list[Row]


class PageBody(TypedDict, Generic[Row]):
    """A page of a history."""

    items: list[Row]
    total: Annotated[Count | None, Field(description="All rows; null where they are not counted.")]
    page: Annotated[Count | None, Field(description="Null for a request with a cursor.")]
    page_size: Count | None
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]


class OpenList(TypedDict, Generic[Row]):
    """A list of open rows, which is never paged."""

    items: list[Row]
    total: None
    page: None
    page_size: None
    next_cursor: None
    truncated: Annotated[bool, Field(description="Whether older rows were left out.")]
