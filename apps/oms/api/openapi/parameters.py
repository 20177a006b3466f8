"""Parameters of paths, queries and headers."""

from collections.abc import Mapping
from typing import Any

from oms.api.openapi.schema import BOOLEAN, ID, TEXT, Schema, enum_of

Parameter = dict[str, Any]
#: Values out of range are clamped, so the schema has no bounds.
_CLAMPED: Schema = {"type": "integer"}
_DATE: Schema = {"type": "string", "format": "date"}
_SINCE: Schema = {"type": "string", "examples": ["2026-02-25T20:00:00Z", "1772049600000"]}


def query(name: str, schema: Schema, about: str, *, required: bool = False) -> Parameter:
    """A parameter of the query."""
    return {
        "name": name,
        "in": "query",
        "required": required,
        "description": about,
        "schema": schema,
    }


def header(name: str, schema: Schema, about: str) -> Parameter:
    """A header that may be sent."""
    return {"name": name, "in": "header", "required": False, "description": about, "schema": schema}


_IDS_TEXT: Schema = {"type": "string", "pattern": "^[0-9]{1,16}(,[0-9]{1,16})*$"}
PATHS: Mapping[str, Schema] = {
    "account_id": ID,
    "api_key_id": ID,
    "command_id": ID,
    "discrepancy_id": ID,
    "entity": enum_of("orders", "positions", "deals"),
    "kill_id": ID,
    "exchange_id": {"type": "string", "pattern": r"^[a-z0-9_]{1,48}(\.[a-z0-9_]{1,48})?$"},
    "func": {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_]{0,63}$"},
    "ids": _IDS_TEXT,
    "order_id": ID,
    "strategy_id": ID,
    "user_id": ID,
    "view": enum_of(
        *("open_orders", "history_orders", "open_positions", "history_positions", "deals")
    ),
}
"""Schemas of path parameters."""

ACCOUNTS = query(
    "account_ids", _IDS_TEXT, "Accounts, with commas between their ids.", required=True
)
OPTIONAL_ACCOUNTS = query("account_ids", _IDS_TEXT, "Accounts; absent: all.")
STRATEGY = query("strategy_id", {"type": "integer", "minimum": 0}, "Rows of one strategy.")
SYMBOL = query("symbol", TEXT, "Rows of one symbol.")
LIMIT = query("limit", _CLAMPED, "How many rows at most; clamped to the range.")
CACHE = query("cache", BOOLEAN, "Accepted for old clients, without effect.")
PARALLEL = query("parallel", BOOLEAN, "All at once, in place of one after the other.")
VIEW = query("view", enum_of("mt5"), "Rows as MetaTrader's structures.")
STATUS = query("status", TEXT, "Words of status or state, with commas between.")
ORDER = query("order_id", ID, "Rows of one order.")
POSITION = query("position_id", ID, "Rows of one position.")
RECONCILED = query("reconciled", BOOLEAN, "Rows that are reconciled, or not.")
SINCE = query("since", _SINCE, "From this moment on: RFC 3339 or integer milliseconds.")
UNTIL = query("until", _SINCE, "Before this moment: RFC 3339 or integer milliseconds.")
WAIT_MS = query("wait_ms", _CLAMPED, "How long the answer may wait, in milliseconds.")
PAGING = (
    query("page", _CLAMPED, "The page, from 1."),
    query("page_size", _CLAMPED, "Rows of a page, 1 to 500; clamped to the range."),
    query("sort", enum_of("asc", "desc"), "By id; ascending where nothing is said."),
    query("with_total", BOOLEAN, "Whether rows are counted."),
    query("cursor", TEXT, "Where the page before ended; empty begins."),
)
DATES = (
    query("start_date", _DATE, "First day, YYYY-MM-DD; not needed with since or cursor."),
    query("end_date", _DATE, "Last day, YYYY-MM-DD."),
    query("tz", {"type": "string", "examples": ["UTC", "+02:00"]}, "The zone of the days."),
)
OPEN = (ACCOUNTS, STRATEGY, SYMBOL, LIMIT, CACHE, VIEW)
HISTORY = (ACCOUNTS, STRATEGY, SYMBOL, STATUS, RECONCILED, *DATES, SINCE, UNTIL, *PAGING)
WAIT = (
    WAIT_MS,
    query("request_timeout_seconds", _CLAMPED, "As wait_ms, in seconds, at least 1."),
    header("Prefer", {"type": "string", "examples": ["wait=5"]}, "wait=S or respond-async."),
)
COMMENT = header("X-Comment", {"type": "string", "maxLength": 255}, "Why, for the audit log.")
REQUEST_ID = header(
    "X-Request-Id",
    {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
    "The caller's name for this request; made by the server otherwise.",
)
IDEMPOTENCY_KEY = header(
    "Idempotency-Key",
    {"type": "string", "pattern": "^[!-~]{1,128}$"},
    "The first answer is repeated, nothing is done twice.",
)


def path_parameter(name: str) -> Parameter:
    """The parameter between braces."""
    return {"name": name, "in": "path", "required": True, "schema": PATHS[name]}
