"""Envelopes of history pages and of open lists."""

from collections.abc import Sequence
from typing import TypeVar

from oms.ports.history_reads import HistoryQuery, Page, Row
from oms.wire.query_parameters import cursor_text
from oms.wire.responses import value_types as wire

Item = TypeVar("Item")


def envelope(items: Sequence[Item], page: Page[Row], query: HistoryQuery) -> wire.PageBody[Item]:
    """Return a page of a history; ``page`` is ``None`` if the query has a cursor."""
    after_id = page.next_after_id
    return {
        "items": list(items),
        "total": page.total if query.with_total else None,
        "page": query.page if query.after_id is None else None,
        "page_size": query.page_size,
        "next_cursor": None if after_id is None else cursor_text(after_id),
    }


def open_list(items: Sequence[Item], *, is_truncated: bool) -> wire.OpenList[Item]:
    """Return a list of open rows, never paged; ``truncated`` if older rows were left out."""
    return {
        "items": list(items),
        "total": None,
        "page": None,
        "page_size": None,
        "next_cursor": None,
        "truncated": is_truncated,
    }
