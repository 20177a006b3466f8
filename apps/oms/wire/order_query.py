"""Filters of lists of orders: words of status, reason, links and periods."""

from datetime import datetime, timedelta

from oms.domain.orders.order import OrderState
from oms.domain.value import evolve
from oms.ports.history_reads import HistoryQuery
from oms.wire import parameters as p
from oms.wire.query_parameters import (
    Query,
    malformed_parameter,
    read_history_query,
    read_number,
    read_open_query,
    read_optional_id,
    read_timestamp,
    read_words,
)

STATUS_ALIASES = {
    "PENDING": OrderState.PENDING_SUBMIT,
    "PARTIAL": OrderState.PARTIALLY_FILLED,
    "CANCELLED": OrderState.CANCELED,
}
"""Words for a status beside its name."""

DAYS_MAX = 3660
REASON_CHARACTERS_MAX = 32


def read_orders_query(query: Query, now: datetime, *, needs_period: bool = True) -> HistoryQuery:
    """Return the query of a page of orders.

    Unless ``needs_period`` is false, a page without a period needs a ``cursor``, or a signal or
    group. Raises ``Malformed``.
    """
    window = _filtered(query, read_history_query(query, now, is_dated=False), now)
    if p.ORDERS_LIMIT.name in query:
        window = evolve(window, page_size=read_number(query, p.ORDERS_LIMIT))
    is_bounded = window.since is not None or window.after_id is not None
    if needs_period and not is_bounded and window.signal_id is None and window.group_id is None:
        raise malformed_parameter("start_date", "start_date and end_date are required", "missing")
    return window


def read_open_orders_query(query: Query, now: datetime) -> tuple[HistoryQuery, int]:
    """Return filters and limit of a list of open orders. Raises ``Malformed``."""
    window, limit = read_open_query(query)
    since, until = read_timestamp(query, p.SINCE), read_timestamp(query, p.UNTIL)
    return _filtered(query, evolve(window, since=since, until=until), now), limit


def _filtered(query: Query, window: HistoryQuery, now: datetime) -> HistoryQuery:
    since = _since_days(query, window, now)
    if since is not None and window.until is not None and since > window.until:
        raise malformed_parameter("since", "since is after until")
    return evolve(
        window,
        since=since,
        status=_statuses(query),
        reason=_reason(query),
        signal_id=_positive_id(query, p.SIGNAL_ID),
        source_id=_positive_id(query, p.SOURCE_ID),
        group_id=_positive_id(query, p.GROUP_ID),
    )


def _since_days(query: Query, window: HistoryQuery, now: datetime) -> datetime | None:
    text = query.get(p.DAYS.name, "").strip()
    if not text:
        return window.since
    if window.since is not None:
        raise malformed_parameter(p.DAYS.name, "days and a first day or moment exclude each other")
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:5]) <= DAYS_MAX):
        raise malformed_parameter(p.DAYS.name, f"days is a whole number from 1 to {DAYS_MAX}")
    return now - timedelta(days=int(text[:5]))


def _statuses(query: Query) -> frozenset[str] | None:
    words = read_words(query, p.STATUS)
    if words is None:
        return None
    statuses = set()
    for word in words:
        name = word.upper()
        if name not in STATUS_ALIASES and name not in OrderState.__members__:
            known = ", ".join(state.value for state in OrderState)
            raise malformed_parameter(p.STATUS.name, f"one of {known} is expected", "enum")
        statuses.add(str(STATUS_ALIASES.get(name, name)))
    return frozenset(statuses)


def _reason(query: Query) -> str | None:
    text = query.get(p.REASON.name, "").strip()
    if len(text) > REASON_CHARACTERS_MAX:
        message = f"reason has at most {REASON_CHARACTERS_MAX} characters"
        raise malformed_parameter(p.REASON.name, message)
    return text or None


def _positive_id(query: Query, parameter: p.Parameter) -> int | None:
    number = read_optional_id(query, parameter)
    if number == 0:
        raise malformed_parameter(parameter.name, f"{parameter.name} is an id")
    return number
