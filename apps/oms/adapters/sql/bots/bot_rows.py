"""Rows of ``bots`` and ``bot_events``."""

from datetime import datetime, timedelta
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.statement_batch import Values
from oms.domain.bots.bot import Bot, BotReport, BotStatus, DecisionResult, DesiredRun, task_of_bot
from oms.domain.bots.decision import BotEvent
from oms.domain.signals.signal import SignalStatus
from oms.domain.unique_name import unique_name_key
from oms.domain.value import evolve
from oms.wire.bots.bot_rows import decided_json, load_terms, terms_json
from oms.wire.json import dumps, loads

REASON_CHARACTERS_MAX = 1024

_TERMS = ("name", "name_key", "account_id", "strategy_id", "terms_json")
_DESIRED = ("desired_number", "desired_running", "desired_flatten", "desired_at")
REPORT = (
    *("reported_number", "status", "reason", "started_at", "stopped_at", "failures"),
    "decided_json",
)
INSERT = BulkInsert(
    table="bots",
    columns=("id", *_TERMS, *_DESIRED, *REPORT, "created_by", "created_at", "updated_at"),
)
_READ = (
    *("id", "terms_json", "desired_number", "desired_running", "desired_flatten", "desired_at"),
    *("reported_number", "status", "reason", "started_at", "stopped_at", "failures"),
    *("decided_json", "heartbeat_at", "created_by", "created_at", "updated_at"),
)
_EVENT = (
    *("id", "bot_id", "at", "kind", "symbol", "bar", "action", "price", "stop_loss", "stop_gain"),
    *("signal_id", "result", "code", "message"),
)
INSERT_EVENTS = BulkInsert(table="bot_events", columns=_EVENT)
SELECT_STORED_EVENTS = f"SELECT {', '.join(f'e.{name}' for name in _EVENT)} FROM bot_events e"
EVENT_COLUMNS = (
    f"{', '.join(f'e.{name}' for name in _EVENT)}, s.order_ids, s.status, s.reason_code, s.reason"
)
JOIN_SIGNALS = "LEFT JOIN signals s ON s.id = e.signal_id"
SELECT_EVENTS = f"SELECT {EVENT_COLUMNS} FROM bot_events e {JOIN_SIGNALS}"


def select_bots(dialect: Dialect) -> str:
    """Return the query of all bots, with the state of their leases."""
    columns = ", ".join(f"b.{name}" for name in _READ)
    prefix = task_of_bot(0).removesuffix("0")
    task = f"CONCAT('{prefix}', b.id)" if dialect.name == "mysql" else f"'{prefix}' || b.id"
    is_held = f"l.owner <> '' AND l.expires_at > {dialect.now}"
    return (
        f"SELECT {columns}, CASE WHEN {is_held} THEN 1 ELSE 0 END,"
        f" {dialect.age.format('b.heartbeat_at')}, {dialect.age.format('b.desired_at')}"
        f" FROM bots b LEFT JOIN task_leases l ON l.task = {task}"
    )


def bot_to_row(bot: Bot, dialect: Dialect) -> Values:
    """Return the values of ``INSERT``; a new bot is wanted to do nothing, and was not reported."""
    desired = (bot.desired.number, bot.desired.is_running, bot.desired.closes_positions, None)
    created, updated = dialect.encode_time(bot.created_at), dialect.encode_time(bot.updated_at)
    return (
        *(bot.id, *terms_values(bot), *desired, *report_values(bot.report, dialect)),
        *(bot.created_by, created, updated),
    )


def terms_values(bot: Bot) -> Values:
    """Return the values of the columns of the terms."""
    terms = bot.terms
    text = dumps(terms_json(terms))
    return (terms.name, unique_name_key(terms.name), terms.account_id, terms.strategy_id, text)


def terms_assignments(dialect: Dialect) -> str:
    """Return the assignments for ``terms_values``."""
    return ", ".join(f"{name} = {dialect.param}" for name in _TERMS)


def report_values(report: BotReport, dialect: Dialect) -> Values:
    """Return the values of the columns ``REPORT``."""
    times = (report.started_at, report.stopped_at)
    return (
        *(report.desired_number, report.status.value, reason_text(report.reason)),
        *(dialect.encode_optional_time(each) for each in times),
        *(report.failures, dumps(decided_json(report.decided))),
    )


def bot_from_row(row: Any, dialect: Dialect) -> Bot:
    """Return the bot of a row of ``select_bots``."""
    time = dialect.decode_optional_time
    desired = DesiredRun(
        number=int(row[2]),
        is_running=bool(row[3]),
        closes_positions=bool(row[4]),
        at=time(row[5]),
    )
    report = BotReport(
        desired_number=int(row[6]),
        status=BotStatus(row[7]),
        reason=row[8],
        started_at=time(row[9]),
        stopped_at=time(row[10]),
        failures=int(row[11]),
        decided={symbol: datetime.fromisoformat(text) for symbol, text in loads(row[12]).items()},
        heartbeat_at=time(row[13]),
    )
    return Bot(
        id=int(row[0]),
        terms=load_terms(loads(row[1])),
        desired=desired,
        report=report,
        created_by=row[14],
        created_at=dialect.decode_time(row[15]),
        updated_at=dialect.decode_time(row[16]),
        is_leased=bool(row[17]),
        heartbeat_age=_age(row[18]),
        desired_age=_age(row[19]),
    )


def event_to_row(event: BotEvent, dialect: Dialect) -> Values:
    """Return the values of ``INSERT_EVENTS``."""
    prices = (event.price, event.stop_loss, event.stop_gain)
    return (
        *(event.id, event.bot_id, dialect.encode_time(event.at), event.kind, event.symbol),
        *(dialect.encode_optional_time(event.bar), event.action),
        *(dialect.encode_optional_decimal(each) for each in prices),
        *(event.signal_id, event.result, event.code, reason_text(event.message)),
    )


def event_from_row(row: Any, dialect: Dialect) -> BotEvent:
    """Return the event of a row of ``SELECT_EVENTS``; of a signal that ended with its outcome."""
    event = stored_event_from_row(row, dialect)
    event = evolve(event, order_ids=() if row[14] is None else tuple(loads(row[14])))
    is_open = row[15] in (None, SignalStatus.QUEUED.value)
    if event.result != DecisionResult.SENT.value or is_open:
        return event
    return evolve(event, result=row[15], code=row[16], message=row[17])


def stored_event_from_row(row: Any, dialect: Dialect) -> BotEvent:
    """Return the event of a row of ``SELECT_STORED_EVENTS``."""
    decimal = dialect.decode_optional_decimal
    return BotEvent(
        id=int(row[0]),
        bot_id=int(row[1]),
        at=dialect.decode_time(row[2]),
        kind=row[3],
        symbol=row[4],
        bar=dialect.decode_optional_time(row[5]),
        action=row[6],
        price=decimal(row[7]),
        stop_loss=decimal(row[8]),
        stop_gain=decimal(row[9]),
        signal_id=row[10],
        result=row[11],
        code=row[12],
        message=row[13],
    )


def reason_text(text: str | None) -> str | None:
    """Return a text as long as its column."""
    return None if text is None else text[:REASON_CHARACTERS_MAX]


def _age(seconds: Any) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=max(float(seconds), 0.0))
