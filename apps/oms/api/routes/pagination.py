"""Envelopes of history pages and of open lists."""

from collections.abc import Sequence
from typing import Any

from oms.ports.history_reads import HistoryQuery, Page, Row
from oms.wire.query_parameters import cursor_text


def envelope(items: Sequence[Any], page: Page[Row], query: HistoryQuery) -> dict[str, Any]:
    """Return a page of a history; ``page`` is ``None`` if the query has a cursor."""
    after_id = page.next_after_id
    return {
        "items": items,
        "total": page.total if query.with_total else None,
        "page": query.page if query.after_id is None else None,
        "page_size": query.page_size,
        "next_cursor": None if after_id is None else cursor_text(after_id),
    }


def open_list(items: Sequence[Any], *, is_truncated: bool) -> dict[str, Any]:
    """Return a list of open rows, never paged; ``truncated`` if older rows were left out."""
    return {
        "items": items,
        "total": None,
        "page": None,
        "page_size": None,
        "next_cursor": None,
        "truncated": is_truncated,
    }
