"""Query parameters: filters, pages and waits. Unknown parameters are ignored.

Invalid ``page``, ``page_size`` and ``limit`` values of existing clients are clamped, not refused.
Values that would change the meaning of a response are refused.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from pydantic_core import PydanticCustomError

from oms.domain.ids import ID_MAX
from oms.domain.value import evolve, value
from oms.ports.history_reads import HistoryQuery
from oms.wire import parameters as p
from oms.wire.field_types import read_time
from oms.wire.request_body import Malformed, malformed_at

IDS_READ_MAX = 500
WAIT_MS_MAX = 60_000
_OFFSET = re.compile(r"([+-])(\d{2}):(\d{2})")
_IDS = re.compile(r"\d+(,\d+)*,?", re.ASCII)
_DAY = timedelta(days=1)

Query = Mapping[str, str]


@value
class WaitOption:
    """How long to wait for a result, and whether the client requested it."""

    seconds: float
    is_asked: bool = False
    #: The part of ``Prefer`` that was honoured.
    applied: str | None = None


def read_wait(query: Query, prefer: str | None, default_ms: int) -> WaitOption:
    """Return the wait of a command: ``wait_ms``, ``Prefer`` or ``request_timeout_seconds``."""
    if p.WAIT_MS.name in query:
        return WaitOption(seconds=read_wait_ms(query, WAIT_MS_MAX) / 1000, is_asked=True)
    for part in prefer.lower().split(",") if prefer else ():
        directive, _, value = part.strip().partition("=")
        if directive == "respond-async":
            return WaitOption(seconds=0, is_asked=True, applied="respond-async")
        if directive == "wait" and value.isascii() and value.isdigit():
            seconds = min(int(value[:6]), WAIT_MS_MAX // 1000)
            return WaitOption(seconds=seconds, is_asked=True, applied=f"wait={seconds}")
    if p.REQUEST_TIMEOUT_SECONDS.name in query:
        seconds = read_number(query, p.REQUEST_TIMEOUT_SECONDS)
        return WaitOption(seconds=seconds, is_asked=True)
    return WaitOption(seconds=default_ms / 1000)


def read_wait_ms(query: Query, maximum: int) -> int:
    """Return ``wait_ms`` clamped to 0..``maximum``; absent is 0.

    Raises ``Malformed`` for other text.
    """
    text = query.get(p.WAIT_MS.name, "0").strip()
    if not re.fullmatch(r"-?\d{1,18}", text, re.ASCII):
        raise malformed_parameter("wait_ms", "wait_ms is a whole number of milliseconds")
    return max(0, min(int(text), maximum))


def read_account_ids(query: Query, least: int = 1) -> tuple[int, ...]:
    """Parse ``account_ids``: comma-separated digits, without duplicates, in the given order.

    ``least`` is the lowest id that counts: 0 is the gateway's own stream of events.
    """
    parts = (part.strip() for part in query.get(p.ACCOUNT_IDS.name, "").split(","))
    numbers = (int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 17)
    ids = tuple(dict.fromkeys(number for number in numbers if least <= number <= ID_MAX))
    if not ids:
        raise malformed_parameter("account_ids", "account_ids is required", "missing")
    if len(ids) > p.ACCOUNTS_MAX:
        raise malformed_parameter("account_ids", f"at most {p.ACCOUNTS_MAX} accounts")
    return ids


def read_ids_path(text: str) -> tuple[int, ...] | None:
    """Parse the ids of a path; ``None`` if it is no list of ids.

    Raises ``Malformed`` for too many.
    """
    if not _IDS.fullmatch(text):
        return None
    ids = sorted({int(part) for part in text.split(",") if part and len(part) < 17})
    if len(ids) > IDS_READ_MAX:
        raise malformed_parameter("ids", f"at most {IDS_READ_MAX} ids", location="path")
    return tuple(ids)


def read_open_query(query: Query) -> tuple[HistoryQuery, int]:
    """Return filters and limit of a list of open rows."""
    window = _narrowed(query, HistoryQuery(account_ids=read_account_ids(query)))
    return window, read_number(query, p.LIMIT)


def read_history_query(query: Query, now: datetime, *, is_dated: bool = True) -> HistoryQuery:
    """Return the query of a history. ``is_dated``: dates are required unless ``since`` or
    ``cursor``.
    """
    window = HistoryQuery(
        account_ids=read_account_ids(query),
        page=read_number(query, p.PAGE),
        page_size=read_number(query, p.PAGE_SIZE),
        after_id=read_cursor(query),
        descending=query.get(p.SORT.name, "").lower() == "desc",
        with_total=read_flag(query, p.WITH_TOTAL) is not False,
        status=read_words(query, p.STATUS),
        reconciled=read_flag(query, p.RECONCILED),
        order_id=read_optional_id(query, p.ORDER_ID),
        position_id=read_optional_id(query, p.POSITION_ID),
    )
    since, until = read_dates(query, now)
    since, until = read_timestamp(query, p.SINCE) or since, read_timestamp(query, p.UNTIL) or until
    if is_dated and since is None and window.after_id is None:
        raise malformed_parameter("start_date", "start_date and end_date are required", "missing")
    return evolve(_narrowed(query, window), since=since, until=until)


def read_admin_query(query: Query, now: datetime) -> HistoryQuery:
    """Return a page of an admin view; without account ids, of all accounts.

    Raises ``Malformed``.
    """
    account_ids_text = query.get(p.ACCOUNT_IDS.name, "").strip()
    since, until = read_dates(query, now)
    window = HistoryQuery(
        account_ids=read_account_ids(query) if account_ids_text else (),
        page=read_number(query, p.PAGE),
        page_size=read_number(query, p.PAGE_SIZE),
        after_id=read_cursor(query),
        descending=query.get(p.SORT.name, "").lower() == "desc",
        with_total=read_flag(query, p.WITH_TOTAL) is not False,
    )
    return evolve(_narrowed(query, window), since=since, until=until)


def cursor_text(after_id: int) -> str:
    """Return the opaque cursor of a page that ends at ``after_id``."""
    return encode_cursor(f"i{after_id}")


def encode_cursor(position: str) -> str:
    """Return an opaque cursor of the text of a position."""
    return base64.urlsafe_b64encode(position.encode("ascii")).decode().rstrip("=")


def decode_cursor(text: str, form: str) -> re.Match[str]:
    """Return the position of a cursor, which has the form. Raises ``Malformed``."""
    try:
        position = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        position = ""
    found = re.fullmatch(form, position, re.ASCII)
    if found is None:
        raise malformed_parameter("cursor", "the cursor is invalid")
    return found


def read_event_positions(
    query: Query, account_ids: tuple[int, ...], heads: Mapping[int, int]
) -> dict[int, int]:
    """Parse ``after`` of the event stream, for the accounts it contains."""
    text = query.get(p.AFTER.name, "").strip()
    if text == "now":
        return {account_id: heads.get(account_id, 0) for account_id in account_ids}
    after: dict[int, int] = {}
    for part in filter(None, text.split(",")):
        account, colon, seq = part.strip().rpartition(":")
        if not colon and len(account_ids) == 1:
            account = str(account_ids[0])
        if not re.fullmatch(r"\d{1,16}", account, re.ASCII) or not re.fullmatch(
            r"\d{1,18}", seq, re.ASCII
        ):
            raise malformed_parameter(
                "after", "after is a comma-separated list of <account>:<seq>, or now"
            )
        if int(account) in account_ids:
            after[int(account)] = int(seq)
    return after


def read_page(query: Query) -> tuple[int, int]:
    """Return ``page`` and ``page_size``, clamped."""
    page_size = read_number(query, p.PAGE_SIZE)
    return read_number(query, p.PAGE), page_size


def is_true(query: Query, parameter: p.Parameter) -> bool:
    """Return whether a flag is ``true`` or ``1``."""
    return query.get(parameter.name, "").lower() in ("true", "1")


def is_false(query: Query, parameter: p.Parameter) -> bool:
    """Return whether a flag is ``false`` or ``0``."""
    return query.get(parameter.name, "").lower() in ("false", "0")


def is_mt5_view(query: Query) -> bool:
    """Return whether the MetaTrader view is requested. Raises ``Malformed`` for other views."""
    view = query.get(p.VIEW.name, "").lower()
    if view not in ("", "mt5"):
        raise malformed_parameter("view", "the only view is mt5", "enum")
    return bool(view)


def malformed_parameter(
    name: str, msg: str, kind: str = "value_error", location: str = "query"
) -> Malformed:
    """Return the error for a parameter."""
    return malformed_at((location, name), msg, kind)


def _narrowed(query: Query, window: HistoryQuery) -> HistoryQuery:
    symbol = query.get(p.SYMBOL.name) or None
    return evolve(window, strategy_id=read_optional_id(query, p.STRATEGY_ID), symbol=symbol)


def read_number(query: Query, parameter: p.Number) -> int:
    """Return a number clamped to its range; its default if it is absent or no number."""
    text = query.get(parameter.name, "").strip()
    if not re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII):
        return parameter.default
    return max(parameter.least, min(int(text), parameter.most))


def read_optional_id(query: Query, parameter: p.Parameter) -> int | None:
    """Parse an id; ``None`` if absent. Raises ``Malformed``."""
    name = parameter.name
    text = query.get(name, "").strip()
    if not text:
        return None
    if not re.fullmatch(r"\d{1,16}", text, re.ASCII) or int(text) > ID_MAX:
        raise malformed_parameter(name, f"{name} is an id")
    return int(text)


def read_flag(query: Query, parameter: p.Parameter) -> bool | None:
    """Return a flag; ``None`` if it is absent. Raises ``Malformed``."""
    name = parameter.name
    text = query.get(name, "").lower()
    if not text:
        return None
    if text not in ("true", "1", "false", "0"):
        raise malformed_parameter(name, f"{name} is true or false")
    return text in ("true", "1")


def read_words(query: Query, parameter: p.Parameter) -> frozenset[str] | None:
    """Return the values of a comma-separated parameter; ``None`` if it is empty."""
    words = {part.strip() for part in query.get(parameter.name, "").split(",")} - {""}
    return frozenset(words) if words else None


def read_cursor(query: Query) -> int | None:
    """Decode ``cursor`` to its row id; ``None`` if absent. Raises ``Malformed``."""
    text = query.get(p.CURSOR.name)
    if text is None:
        return None
    return int(decode_cursor(text, r"i(\d{1,16})")[1]) if text else 0


def read_timestamp(query: Query, parameter: p.Parameter) -> datetime | None:
    """Parse a time: RFC 3339 or integer milliseconds. Raises ``Malformed``."""
    name = parameter.name
    text = query.get(name, "").strip()
    if not text:
        return None
    try:
        if re.fullmatch(r"-?\d{1,15}", text, re.ASCII):
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(text))
        return read_time(text)
    except (PydanticCustomError, OverflowError):
        raise malformed_parameter(name, f"{name} is RFC 3339 or integer milliseconds") from None


def read_dates(query: Query, now: datetime) -> tuple[datetime | None, datetime | None]:
    """Return the period of two inclusive dates as times; the second exclusive."""
    first, last = query.get(p.START_DATE.name, "").strip(), query.get(p.END_DATE.name, "").strip()
    if not first and not last:
        return None, None
    if not first or not last:
        missing = "end_date" if first else "start_date"
        raise malformed_parameter(missing, "start_date and end_date come together", "missing")
    zone = _zone(query.get(p.TZ.name, "").strip())
    today = now.astimezone(zone).date()
    start, end = _date("start_date", first), _date("end_date", last)
    if start == today + _DAY:
        start = today  # the client's local date is ahead
    if start > end:
        raise malformed_parameter("start_date", "start_date is after end_date")
    return _midnight(start, zone), _midnight(min(end, date.max - 2 * _DAY) + _DAY, zone)


def _date(name: str, text: str) -> date:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise malformed_parameter(name, f"{name} is a date, YYYY-MM-DD") from None
    return max(day, date.min + 2 * _DAY)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _zone(text: str) -> tzinfo:
    if not text:
        return UTC
    if offset := _OFFSET.fullmatch(text.replace(" ", "+")):
        sign, hours, minutes = offset.groups()
        offset_delta = timedelta(hours=int(hours), minutes=int(minutes))
        if offset_delta < _DAY:
            return timezone(offset_delta if sign == "+" else -offset_delta)
    try:
        return ZoneInfo(text)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise malformed_parameter("tz", "tz is an IANA zone or ±HH:MM") from None
