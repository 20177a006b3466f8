"""Rows of browser sessions."""

from collections.abc import Sequence
from typing import Any

from oms.adapters.sql.connection.dialect import Dialect
from oms.domain.browser_session import BrowserSession, SessionMode
from oms.ports.admin.browser_sessions import SessionRow

SESSION_COLUMNS = "t.id, t.mode, t.created_at, t.expires_at, t.ends_at, t.confirmed_until"
"""Columns of the table alias ``t``."""


def session_from_row(row: Sequence[Any], dialect: Dialect) -> BrowserSession:
    """Return the session of a row of ``SESSION_COLUMNS``."""
    return BrowserSession(
        id=row[0],
        mode=SessionMode(row[1]),
        created_at=dialect.decode_time(row[2]),
        idle_ends_at=dialect.decode_time(row[3]),
        ends_at=dialect.decode_time(row[4]),
        confirmed_until=dialect.decode_optional_time(row[5]),
    )


def row_of_session(row: Sequence[Any], dialect: Dialect) -> SessionRow:
    """Return a listed session: user id and name, key, last use, address, browser, session."""
    return SessionRow(
        session=session_from_row(row[6:], dialect),
        user_id=row[0],
        user_name=row[1],
        api_key_id=row[2],
        last_used_at=dialect.decode_optional_time(row[3]),
        ip=row[4],
        user_agent=row[5],
    )
