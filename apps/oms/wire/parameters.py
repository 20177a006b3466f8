"""Parameters of queries and headers: their names, what they mean, their JSON Schemas.

The code that reads a parameter takes its name and its range from here; a route names the
parameters that it reads. Groups are what one function of ``query_parameters`` reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from oms.domain.bots.decision import EVENT_KINDS
from oms.domain.ids import ID_MAX
from oms.domain.market.timeframe import Timeframe
from oms.domain.notifications.delivery import DeliveryStatus
from oms.domain.reconcile.discrepancy import DiscrepancyClass, DiscrepancyStatus

ACCOUNTS_MAX = 1000
PAGE_ROWS_MAX = 500
OPEN_ROWS_MAX = 5000
EVENTS_MAX = 1000
STALE_SECONDS = 120
COMMENT_CHARACTERS_MAX = 255
IDEMPOTENCY_KEY_CHARACTERS_MAX = 128

Schema = Mapping[str, Any]

ID_SCHEMA: Schema = {"type": "integer", "minimum": 1, "maximum": ID_MAX}
IDS_SCHEMA: Schema = {"type": "string", "pattern": "^[0-9]{1,16}(,[0-9]{1,16})*$"}
_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_DATE: Schema = {"type": "string", "format": "date"}
_TIME: Schema = {"type": "string", "examples": ["2026-02-25T20:00:00Z", "1772049600000"]}


class Place(StrEnum):
    """Where a parameter is sent."""

    QUERY = "query"
    HEADER = "header"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter."""

    name: str
    about: str
    schema: Schema
    is_required: bool = False
    place: Place = Place.QUERY


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Parameter):
    """A whole number; what is out of range is clamped, so its schema has no bounds."""

    default: int
    least: int
    most: int


def _number(name: str, about: str, default: int, least: int, most: int) -> Number:
    schema = {"type": "integer"}
    return Number(name=name, about=about, schema=schema, default=default, least=least, most=most)


def _words(*words: str) -> Schema:
    return {"type": "string", "enum": list(words)}


def _query(name: str, about: str, schema: Schema, *, is_required: bool = False) -> Parameter:
    return Parameter(name=name, about=about, schema=schema, is_required=is_required)


def _header(name: str, about: str, schema: Schema) -> Parameter:
    return Parameter(name=name, about=about, schema=schema, place=Place.HEADER)


ACCOUNT_IDS = _query(
    "account_ids", "Accounts, with commas between their ids.", IDS_SCHEMA, is_required=True
)
STREAM_IDS = _query(
    "account_ids",
    "Accounts, with commas between their ids; 0: the gateway's own stream.",
    IDS_SCHEMA,
    is_required=True,
)
OPTIONAL_ACCOUNT_IDS = _query("account_ids", "Accounts; absent: all.", IDS_SCHEMA)
STRATEGY_ID = _query("strategy_id", "Rows of one strategy.", {"type": "integer", "minimum": 0})
SYMBOL = _query("symbol", "Rows of one symbol.", _TEXT)
STATUS = _query("status", "Words of status or state, with commas between.", _TEXT)
ORDER_STATUS = _query(
    "status",
    "Words of status or state in any case, with commas between; also pending, partial, cancelled.",
    {"type": "string", "examples": ["rejected", "FILLED,CANCELED"]},
)
REASON = _query("reason", "Orders sent for one reason.", {"type": "string", "examples": ["sl"]})
SIGNAL_ID = _query("signal_id", "Orders of one signal.", ID_SCHEMA)
SOURCE_ID = _query("source_id", "Orders of one source of signals.", ID_SCHEMA)
SIGNAL_SOURCE = _query("source", "Name of a source of signals.", _TEXT)
SIGNAL_KIND = _query(
    "kind", "Signals of one kind.", _words("bounce", "trade", "tradingview", "strategy")
)
SIGNAL_STATUS = _query(
    "status",
    "Statuses, with commas between.",
    {"type": "string", "examples": ["queued,done", "blocked"]},
)
RESULTS_SOURCE_ID = _query(
    "source_id",
    "Positions that orders of one source of signals opened; 0: of none.",
    {"type": "integer", "minimum": 0},
)
EXECUTIONS_SOURCE_ID = _query(
    "source_id",
    "Orders of one source of signals; 0: of none.",
    {"type": "integer", "minimum": 0},
)
GROUP_ID = _query("group_id", "Orders of one group.", ID_SCHEMA)
DAYS = _query(
    "days", "The last days, to this moment; in place of since.", {"type": "integer", "minimum": 1}
)
RECONCILED = _query("reconciled", "Rows that are reconciled, or not.", _FLAG)
ORDER_ID = _query("order_id", "Rows of one order.", ID_SCHEMA)
POSITION_ID = _query("position_id", "Rows of one position.", ID_SCHEMA)
SINCE = _query("since", "From this moment on: RFC 3339 or integer milliseconds.", _TIME)
UNTIL = _query("until", "Before this moment: RFC 3339 or integer milliseconds.", _TIME)
FROM = _query("from", "From this moment on: RFC 3339 or integer milliseconds.", _TIME)
TO = _query("to", "Before this moment: RFC 3339 or integer milliseconds.", _TIME)
EXCHANGE = _query(
    "exchange",
    "Accounts of one exchange.",
    {"type": "string", "examples": ["binance", "paper.binance"]},
)
GROUP_BY = _query(
    "group_by",
    "One row per group; days are of UTC.",
    _words("strategy", "symbol", "exchange", "account", "source", "day"),
)
EXECUTION_GROUP_BY = _query(
    "group_by", "One row per group.", _words("strategy", "symbol", "exchange", "source")
)
RESOLUTION = _query("resolution", "Only the last point of each.", _words("hour", "day"))
CANDLES_EXCHANGE = _query(
    "exchange",
    "Of one exchange, by the name of its venue.",
    {"type": "string", "examples": ["binance"]},
    is_required=True,
)
CANDLES_SYMBOL = _query(
    "symbol", "Of one symbol.", {"type": "string", "examples": ["BTC/USDT"]}, is_required=True
)
TIMEFRAME = _query(
    "timeframe",
    "Length of a candle.",
    _words(*(each.value for each in Timeframe)),
    is_required=True,
)
START = _query("start", "Candles that open from this moment on.", _TIME)
END = _query("end", "Candles that open before this moment.", _TIME)
CANDLES_LIMIT = _query(
    "limit",
    "How many candles at most, the newest ones.",
    {"type": "integer", "minimum": 1, "maximum": OPEN_ROWS_MAX, "default": 500},
)
COVERAGE_LIMIT = _number("limit", "How many instruments at most, 1 to 200; clamped.", 50, 1, 200)
INCLUDE_OPEN = _query("include_open", "Also the candle that still forms.", _FLAG)
RUN_BASE = _query(
    "base",
    "Timeframe that the strategy runs on, if it runs on any; default: that of the bars.",
    _words(*(each.value for each in Timeframe)),
)
RUN_TIMELINE = _query(
    "timeline", "Conditions for each bar (default) or base candle.", _words("view", "base", "none")
)
RUN_VARIANT = _query("variant", "The parameter variant of hma_sma.", {"type": "integer"})
RUN_PARAMS = _query(
    "params",
    "Parameters that differ from their defaults, as a JSON object.",
    {"type": "string", "examples": ['{"fast": 5}']},
)
INSTRUMENTS_EXCHANGE = _query("exchange", "Of one exchange.", _TEXT)
ACTIVE = _query("active", "Instruments that are traded, or not.", _FLAG)
BACKTEST_STATUS = _query(
    "status",
    "Only with this status.",
    _words("queued", "running", "done", "failed", "canceled"),
)
BACKTEST_KIND = _query("kind", "Single runs or sweeps.", _words("run", "sweep"))
BACKTEST_STRATEGY = _query("strategy", "Of one strategy of the catalogue.", _TEXT)
BACKTEST_TIMEFRAME = _query(
    "timeframe", "Of one timeframe.", _words(*(each.value for each in Timeframe))
)
BACKTEST_SORT = _query(
    "sort",
    "The figure they are ranked by, the best first; absent: the newest first.",
    {"type": "string", "examples": ["sharpe_ratio"]},
)
BACKTEST_ORDER = _query("order", "Of the figure; absent: the best first.", _words("asc", "desc"))
BACKTESTS_LIMIT = _number("limit", "How many at most, 1 to 500; clamped.", 100, 1, 500)
COMPARED_IDS = _query("ids", "2 to 6 ids with commas between.", IDS_SCHEMA, is_required=True)
INCLUDE_CLOSED = _query("include_closed", "Closed positions too.", _FLAG)
GROUP = _query("group", "One row per account and symbol.", _words("symbol"))
START_DATE = _query("start_date", "First day, YYYY-MM-DD; not needed with since or cursor.", _DATE)
END_DATE = _query("end_date", "Last day, YYYY-MM-DD.", _DATE)
TZ = _query("tz", "The zone of the days.", {"type": "string", "examples": ["UTC", "+02:00"]})
PAGE = _number("page", "The page, from 1.", 1, 1, 10**9)
PAGE_SIZE = _number(
    "page_size", "Rows of a page, 1 to 500; clamped to the range.", 100, 1, PAGE_ROWS_MAX
)
SORT = _query("sort", "By id; default ``asc``.", _words("asc", "desc"))
WITH_TOTAL = _query("with_total", "Whether rows are counted.", _FLAG)
CURSOR = _query("cursor", "Where the page before ended; empty begins.", _TEXT)
LIMIT = _number("limit", "How many rows at most, 1 to 5000; clamped.", 500, 1, OPEN_ROWS_MAX)
ORDERS_LIMIT = _number("limit", "As page_size.", 100, 1, PAGE_ROWS_MAX)
CACHE = _query("cache", "Accepted for old clients, without effect.", _FLAG)
PARALLEL = _query("parallel", "Execute concurrently instead of in sequence.", _FLAG)
EXPORT_FORMAT = _query("format", "csv (the default) or json.", _words("csv", "json"))
METRICS_RANGE = _query("range", "1h is the default.", _words("15m", "1h", "6h", "24h"))
VIEW = _query("view", "Rows as MetaTrader's structures.", _words("mt5"))
WAIT_MS = _query(
    "wait_ms", "How long the answer may wait, in milliseconds; clamped.", {"type": "integer"}
)
REQUEST_TIMEOUT_SECONDS = _number(
    "request_timeout_seconds", "As wait_ms, in seconds, 1 to 60; clamped.", 1, 1, 60
)

AFTER = _query(
    "after", "account:seq with commas between, or now.", {"type": "string", "examples": ["1:0"]}
)
NAMESPACES = _query("namespaces", "Words with commas between.", _TEXT)
EVENTS_LIMIT = _number("limit", "How many events at most, 1 to 1000; clamped.", 200, 1, EVENTS_MAX)

DISCREPANCY_STATUS = _query(
    "status",
    f"Words with commas between: {', '.join(DiscrepancyStatus)}, all; absent: open.",
    _TEXT,
)
DISCREPANCY_CLASS = _query(
    "class", f"Words with commas between: {', '.join(DiscrepancyClass)}, all.", _TEXT
)
DELIVERIES_LIMIT = _number("limit", "How many rows at most, 1 to 500; clamped.", 100, 1, 500)
SINK_ID = _query("sink_id", "Only of this sink.", ID_SCHEMA)
DELIVERY_STATUS = _query("status", "Only with this status.", _words(*DeliveryStatus))
BEFORE_ID = _query("before_id", "Only older ones than this id.", ID_SCHEMA)
BOT_EVENT_KIND = _query("kind", "Rows of one kind.", _words(*EVENT_KINDS))
BOT_EVENTS_LIMIT = _number("limit", "How many rows at most, 1 to 500; clamped.", 100, 1, 500)
BOT_ID = _query("bot_id", "Signals of one bot.", ID_SCHEMA)
DISCREPANCIES_LIMIT = _number("limit", "How many rows at most, 1 to 500; clamped.", 100, 1, 500)
RECONCILE_STATUS = _query("status", "Accounts of this status.", _words("fresh", "stale", "never"))
STALE_AFTER = _number(
    "stale_after_seconds", f"Older is stale; {STALE_SECONDS} by default.", STALE_SECONDS, 0, 10**9
)

ACCOUNT_STATUS = _query(
    "status", "active, blocked or all.", {"type": "string", "examples": ["active"]}
)
ENVIRONMENT = _query(
    "environment",
    "live by default, paper for paper exchanges.",
    _words("paper", "testnet", "demo", "loopback", "live"),
)
ACCOUNT_ID_REQUIRED = _query("account_id", "Id of the account.", ID_SCHEMA, is_required=True)
POLICY_SCOPE = _query(
    "scope",
    "What the policy applies to.",
    _words("global", "account", "strategy"),
    is_required=True,
)
POLICY_SCOPE_ID = _query("scope_id", "Id of the account or strategy.", ID_SCHEMA)
ACTIVE = _query("active", "false includes released ones.", _FLAG)
ALL_TOKENS = _query("all", "Every token of the user.", _FLAG)
USER_ID = _query("user_id", "Rows of one user.", ID_SCHEMA)
ACTOR_USER_ID = _query("actor_user_id", "Changes of one user.", ID_SCHEMA)
ACTION = _query("action", "One kind of change.", _TEXT)
ENTITY = _query("entity", "Changes of one kind of thing.", _TEXT)

PREFER = _header("Prefer", "wait=S or respond-async.", {"type": "string", "examples": ["wait=5"]})
COMMENT = _header(
    "X-Comment",
    "Why, for the audit log.",
    {"type": "string", "maxLength": COMMENT_CHARACTERS_MAX},
)
REQUEST_ID = _header(
    "X-Request-Id",
    "The caller's name for this request; made by the server otherwise.",
    {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
)
IDEMPOTENCY_KEY = _header(
    "Idempotency-Key",
    "A repeat gets the first response and is not executed.",
    {"type": "string", "pattern": f"^[!-~]{{1,{IDEMPOTENCY_KEY_CHARACTERS_MAX}}}$"},
)

_DATES = (START_DATE, END_DATE, TZ)
_PAGING = (PAGE, PAGE_SIZE, SORT, WITH_TOTAL, CURSOR)
OPEN_LIST = (ACCOUNT_IDS, STRATEGY_ID, SYMBOL, LIMIT)
HISTORY = (
    *(ACCOUNT_IDS, STRATEGY_ID, SYMBOL, STATUS, RECONCILED),
    *(*_DATES, SINCE, UNTIL, *_PAGING),
)
_ORDER_FILTERS = (ORDER_STATUS, REASON, SIGNAL_ID, SOURCE_ID, GROUP_ID, SINCE, UNTIL, DAYS)
OPEN_ORDERS = (*OPEN_LIST, *_ORDER_FILTERS)
ORDERS = (
    *(ACCOUNT_IDS, STRATEGY_ID, SYMBOL, RECONCILED),
    *(*_ORDER_FILTERS, *_DATES, *_PAGING, ORDERS_LIMIT),
)
OPEN_POSITIONS = (*OPEN_LIST, INCLUDE_CLOSED, GROUP)
CANDLES = (
    *(CANDLES_EXCHANGE, CANDLES_SYMBOL, TIMEFRAME, START, END),
    *(CANDLES_LIMIT, CURSOR, INCLUDE_OPEN),
)
COVERAGE = (INSTRUMENTS_EXCHANGE, COVERAGE_LIMIT, CURSOR)
CANDLE_GAPS = (CANDLES_EXCHANGE, CANDLES_SYMBOL, TIMEFRAME, START, END)
BACKTESTS = (
    *(BACKTEST_KIND, BACKTEST_STATUS, BACKTEST_STRATEGY, INSTRUMENTS_EXCHANGE, SYMBOL),
    *(BACKTEST_TIMEFRAME, BACKTEST_SORT, BACKTEST_ORDER, BACKTESTS_LIMIT, CURSOR),
)
NUMBERED_ROWS = (LIMIT, CURSOR)
STRATEGY_RUN = (
    *(CANDLES_EXCHANGE, CANDLES_SYMBOL, TIMEFRAME, START, END, CANDLES_LIMIT),
    *(RUN_BASE, RUN_VARIANT, RUN_PARAMS, RUN_TIMELINE),
)
INSTRUMENTS = (INSTRUMENTS_EXCHANGE, ACTIVE)
EQUITY = (ACCOUNT_IDS, FROM, TO, RESOLUTION)
SUMMARY = (ACCOUNT_IDS, STRATEGY_ID, SYMBOL, RESULTS_SOURCE_ID, FROM, TO)
RESULT_CURVES = (*SUMMARY, RESOLUTION)
EXECUTIONS = (
    *(ACCOUNT_IDS, STRATEGY_ID, SYMBOL, EXCHANGE, EXECUTIONS_SOURCE_ID),
    *(FROM, TO, EXECUTION_GROUP_BY),
)
RESULTS = (ACCOUNT_IDS, STRATEGY_ID, SYMBOL, EXCHANGE, RESULTS_SOURCE_ID, FROM, TO, GROUP_BY)
DEALS = (*HISTORY, ORDER_ID, POSITION_ID)
_PERIOD = (*_DATES, SINCE, UNTIL)
POSITIONS_EXPORT = (ACCOUNT_IDS, STRATEGY_ID, SYMBOL, STATUS, *_PERIOD, EXPORT_FORMAT)
DEALS_EXPORT = (
    *(ACCOUNT_IDS, STRATEGY_ID, SYMBOL, RECONCILED, ORDER_ID, POSITION_ID),
    *(*_PERIOD, EXPORT_FORMAT),
)
ORDERS_EXPORT = (
    *(ACCOUNT_IDS, STRATEGY_ID, SYMBOL, RECONCILED),
    *(*_ORDER_FILTERS, *_DATES, EXPORT_FORMAT),
)
ADMIN_HISTORY = (OPTIONAL_ACCOUNT_IDS, STRATEGY_ID, SYMBOL, *_DATES, *_PAGING)
AUDIT_LOG = (OPTIONAL_ACCOUNT_IDS, ACTOR_USER_ID, ACTION, ENTITY, SINCE, UNTIL, *_PAGING)
DISCREPANCIES = (
    *(OPTIONAL_ACCOUNT_IDS, DISCREPANCY_STATUS, DISCREPANCY_CLASS),
    *(DISCREPANCIES_LIMIT, CURSOR),
)
EVENTS = (STREAM_IDS, AFTER, NAMESPACES, EVENTS_LIMIT, WAIT_MS)
CALL_WAIT = (WAIT_MS, REQUEST_TIMEOUT_SECONDS)
WAIT = (*CALL_WAIT, PREFER)
