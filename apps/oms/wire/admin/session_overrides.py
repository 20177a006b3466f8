"""Overridden trading days: request body and rows."""

from datetime import date, datetime, time
from typing import Annotated, Any, Required

from pydantic import ConfigDict, PlainValidator, TypeAdapter, WithJsonSchema
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from oms.domain.errors import Invalid
from oms.domain.market_hours import Session
from oms.domain.session_override import ZONES, SessionOverride
from oms.wire.field_types import Comment, enum_schema
from oms.wire.field_validation import drop_nulls, require_object, validate
from oms.wire.json import time_text
from oms.wire.request_body import malformed_at
from oms.wire.responses.value_types import Id, TimeText, one_of

_DAY_CHARACTERS = len("2026-02-25")
_TIME_CHARACTERS = len("09:30")


def _read_day(value: object) -> date:
    if isinstance(value, str) and len(value) == _DAY_CHARACTERS and value.isascii():
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError("date", "a date is YYYY-MM-DD")


def _read_time(value: object) -> time:
    if isinstance(value, str) and len(value) == _TIME_CHARACTERS and value[2] == ":":
        try:
            return time.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError("time", "a local time is HH:MM")


_LOCAL_TIME = {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}
Day = Annotated[
    date, PlainValidator(_read_day), WithJsonSchema({"type": "string", "format": "date"})
]
LocalTime = Annotated[time, PlainValidator(_read_time), WithJsonSchema(_LOCAL_TIME)]


class OverrideFields(TypedDict, total=False):
    """``POST /admin/session-overrides``."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc]
    session: Annotated[str, enum_schema(ZONES)]
    date: Required[Day]
    closed: bool
    open: LocalTime
    close: LocalTime
    comment: Comment
    replace: bool


OVERRIDE = TypeAdapter(OverrideFields)


class OverrideRow(TypedDict):
    """An overridden trading day; ``open`` and ``close`` are local times of the market."""

    id: Id
    session: Annotated[str, one_of(*(each.value for each in ZONES))]
    date: str
    closed: bool
    open: str | None
    close: str | None
    opens_at: TimeText | None
    closes_at: TimeText | None
    comment: str
    set_by: str
    set_by_user_id: Id | None
    set_at: TimeText


class OverrideDeleted(TypedDict):
    """The override that was deleted."""

    ok: bool
    id: Id


def read_override(body: object, header_comment: str, now: datetime) -> tuple[SessionOverride, bool]:
    """Return the override of a body, and whether it replaces that of its day.

    Raises ``Malformed``, ``Invalid`` (``comment_required``).
    """
    fields = validate(OVERRIDE, drop_nulls(require_object(body, ("body",))), ())
    comment = (fields.get("comment") or header_comment or "").strip()
    if not comment:
        raise Invalid("say why, in comment or the header X-Comment", code="comment_required")
    _check_hours(fields)
    override = SessionOverride(
        session=_read_session(fields.get("session", Session.US_EQUITY.value)),
        day=fields["date"],
        opens=fields.get("open"),
        closes=fields.get("close"),
        comment=comment,
        set_at=now,
    )
    return override, fields.get("replace", False)


def _read_session(text: str) -> Session:
    """Return the market. Raises ``Malformed`` for one that has no calendar."""
    word = text.lower()
    if word not in {each.value for each in ZONES}:
        names = ", ".join(each.value for each in ZONES)
        raise malformed_at(("session",), f"one of {names} is expected", "enum")
    return Session(word)


def _check_hours(fields: dict[str, Any]) -> None:
    """Raise ``Malformed`` unless the day is closed, or has an open and a close."""
    sent = [name for name in ("open", "close") if name in fields]
    if bool(sent) is fields.get("closed", False):
        raise malformed_at(("closed",), "closed: true, or open and close, is expected")
    if len(sent) == 1:
        missing = "close" if sent == ["open"] else "open"
        raise malformed_at((missing,), "open and close are sent together", "missing")


def override_row(override: SessionOverride) -> OverrideRow:
    """Return the row of an override."""
    hours = override.trading_session
    return {
        "id": override.id,
        "session": override.session.value,
        "date": override.day.isoformat(),
        "closed": override.is_closed,
        "open": None if override.opens is None else override.opens.isoformat("minutes"),
        "close": None if override.closes is None else override.closes.isoformat("minutes"),
        "opens_at": None if hours is None else time_text(hours.opens_at),
        "closes_at": None if hours is None else time_text(hours.closes_at),
        "comment": override.comment,
        "set_by": override.set_by,
        "set_by_user_id": override.set_by_user_id,
        "set_at": time_text(override.set_at),
    }
