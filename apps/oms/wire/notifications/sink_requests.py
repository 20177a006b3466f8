"""Sinks: request bodies."""

from dataclasses import field
from typing import Annotated, Required
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from oms.domain.notifications.sink import SinkKind, SinkStatus
from oms.domain.value import value
from oms.wire.field_types import Id, enum_schema
from oms.wire.field_validation import drop_nulls, require_object, validate
from oms.wire.parameters import ACCOUNTS_MAX
from oms.wire.request_body import malformed_at

EVENTS_MAX = 100
URL_CHARACTERS_MAX = 2000
SECRET_CHARACTERS = (8, 256)
INTERVAL_SECONDS_MAX = 86_400

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^\S(.*\S)?$")]
Url = Annotated[str, Field(min_length=1, max_length=URL_CHARACTERS_MAX, pattern=r"^\S+$")]
Secret = Annotated[str, Field(min_length=SECRET_CHARACTERS[0], max_length=SECRET_CHARACTERS[1])]
EventName = Annotated[str, Field(min_length=1, max_length=64, pattern="^[a-z][a-z_]*$")]
Events = Annotated[list[EventName], Field(max_length=EVENTS_MAX)]
Accounts = Annotated[list[Id], Field(max_length=ACCOUNTS_MAX)]
Interval = Annotated[int, Field(ge=0, le=INTERVAL_SECONDS_MAX)]


class NewSinkFields(TypedDict, total=False):
    """``POST /notifications/sinks``."""

    __pydantic_config__ = ConfigDict(extra="ignore", strict=True)  # type: ignore[misc]
    name: Required[Name]
    kind: Required[Annotated[str, enum_schema(SinkKind)]]
    url: Required[Url]
    secret: Secret
    events: Events
    account_ids: Accounts
    min_interval_seconds: Interval


class SinkChangeFields(TypedDict, total=False):
    """``PATCH /notifications/sinks/{sink_id}``."""

    __pydantic_config__ = ConfigDict(extra="ignore", strict=True)  # type: ignore[misc]
    name: Name
    url: Url
    secret: Secret
    events: Events
    account_ids: Accounts
    min_interval_seconds: Interval
    status: Annotated[str, enum_schema(SinkStatus)]


NEW_SINK = TypeAdapter(NewSinkFields)
SINK_CHANGE = TypeAdapter(SinkChangeFields)


@value
class SinkRequest:
    """A new sink, or a change of one; ``None`` leaves a field as it is."""

    name: str | None = None
    kind: SinkKind | None = None
    url: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    events: tuple[str, ...] | None = None
    account_ids: tuple[int, ...] | None = None
    min_interval_seconds: int | None = None
    status: SinkStatus | None = None


def read_new_sink(body: object) -> SinkRequest:
    """Parse the body of a new sink. Raises ``Malformed``."""
    fields = validate(NEW_SINK, drop_nulls(require_object(body, ("body",))), ())
    kind = fields["kind"].lower()
    if kind not in SinkKind.__members__.values():
        raise malformed_at(("kind",), f"one of {', '.join(SinkKind)} is expected", "enum")
    return _request(fields, kind=SinkKind(kind))


def read_sink_change(body: object) -> SinkRequest:
    """Parse the body of a change. Raises ``Malformed``."""
    fields = validate(SINK_CHANGE, drop_nulls(require_object(body, ("body",))), ())
    if not fields:
        raise malformed_at((), "a field to change is expected")
    status = fields.get("status")
    if status is None:
        return _request(fields)
    if status.lower() not in SinkStatus.__members__.values():
        raise malformed_at(("status",), f"one of {', '.join(SinkStatus)} is expected", "enum")
    return _request(fields, status=SinkStatus(status.lower()))


def require_webhook_url(url: str) -> str:
    """Return the host of the address of a webhook. Raises ``Malformed``."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        host = None
    if not host or parts.scheme.lower() not in ("http", "https"):
        raise malformed_at(("url",), "a URL like https://example.com/hook is expected")
    return host


def require_apprise_url(url: str) -> None:
    """Refuse what is no address of Apprise. Raises ``Malformed``."""
    scheme, separator, rest = url.partition("://")
    if not separator or not scheme or not rest:
        raise malformed_at(("url",), "a URL like tgram://TOKEN/CHAT is expected")


def _request(
    fields: NewSinkFields | SinkChangeFields,
    kind: SinkKind | None = None,
    status: SinkStatus | None = None,
) -> SinkRequest:
    events, account_ids = fields.get("events"), fields.get("account_ids")
    return SinkRequest(
        name=fields.get("name"),
        kind=kind,
        url=fields.get("url"),
        secret=fields.get("secret"),
        events=None if events is None else tuple(sorted(set(events))),
        account_ids=None if account_ids is None else tuple(sorted(set(account_ids))),
        min_interval_seconds=fields.get("min_interval_seconds"),
        status=status,
    )
