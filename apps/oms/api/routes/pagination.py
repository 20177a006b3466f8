"""The envelope of pages and open lists."""

from collections.abc import Sequence
from typing import Any

from oms.ports.history_reads import HistoryQuery, Page, Row
from oms.wire.query_parameters import cursor_text


def envelope(items: Sequence[Any], page: Page[Row], window: HistoryQuery) -> dict[str, Any]:
    """A page of a history; with a cursor there is no page number."""
    after_id = page.next_after_id
    return {
        "items": items,
        "total": page.total if window.with_total else None,
        "page": window.page if window.after_id is None else None,
        "page_size": window.page_size,
        "next_cursor": None if after_id is None else cursor_text(after_id),
    }


def open_list(items: Sequence[Any], *, is_truncated: bool) -> dict[str, Any]:
    """An open list: never paged, at most the newest rows."""
    return {
        "items": items,
        "total": None,
        "page": None,
        "page_size": None,
        "next_cursor": None,
        "truncated": is_truncated,
    }
