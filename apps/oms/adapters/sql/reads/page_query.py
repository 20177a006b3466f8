"""A ``HistoryQuery`` as SQL: conditions, order and start of a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from oms.adapters.sql.connection.dialect import Dialect
from oms.domain.commands.command import CommandStatus
from oms.domain.value import evolve
from oms.ports.history_reads import HistoryQuery

CLOCKS_DIFFER_MAX = timedelta(days=1)
#: Up to this number of accounts a page is read by one index seek per account.
SEEK_ACCOUNTS_MAX = 64
#: Filter fields besides the accounts; each may have an index of its own.
_FILTERS = (
    *("strategy_id", "strategies", "symbol", "status", "reconciled", "order_id", "position_id"),
    *("order_ids", "since", "until", "reason", "signal_id", "source_id"),
    "group_id",
)
#: Filters with an index of their own, by table; few rows have these values.
_LINKS = {
    "oms_orders": ("group_id", "signal_id"),
    "oms_deals": ("order_id", "position_id"),
}
_ANY_STATUS = ", ".join(f"'{status}'" for status in CommandStatus)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryTable:
    """Columns of a table used by history queries."""

    table: str
    columns: str
    #: The column of the time filter.
    moment: str
    #: The column of the status filter.
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Conditions:
    """Conditions joined by AND, with their bound values in order."""

    text: str
    values: tuple[Any, ...]

    def and_(self, text: str, *values: Any) -> "Conditions":
        """Return these conditions and one more."""
        return Conditions(f"{self.text} AND {text}", (*self.values, *values))


def window_conditions(dialect: Dialect, kind: HistoryTable, window: HistoryQuery) -> Conditions:
    """Return the conditions of the query; filters that the table lacks are ignored."""
    param = dialect.param
    where = _column_in(dialect, Conditions("1 = 1", ()), "account_id", window.account_ids)
    if kind.table.startswith("ccxt_"):
        if window.symbol is not None:
            where = where.and_(f"symbol = {param}", window.symbol)
    elif kind.table == "oms_commands":
        where = _strategy_in(dialect, where, window)
    else:
        if window.strategy_id is not None:
            where = where.and_(f"strategy_id = {param}", window.strategy_id)
        if window.strategies is not None:
            where = _column_in(dialect, where, "strategy_id", sorted(window.strategies))
        if window.symbol is not None:
            where = where.and_(f"symbol = {param}", window.symbol)
    if window.status is not None and kind.status is not None:
        where = _status_in(dialect, where, kind, sorted(window.status))
    if window.reconciled is not None and kind.table in ("oms_orders", "oms_deals"):
        where = where.and_(f"reconciled = {param}", window.reconciled)
    if window.order_id is not None and kind.table in ("oms_deals", "oms_commands"):
        where = where.and_(f"order_id = {param}", window.order_id)
    if window.position_id is not None and kind.table in ("oms_deals", "oms_orders"):
        where = where.and_(f"position_id = {param}", window.position_id)
    if window.deal_type is not None and kind.table == "oms_deals":
        where = where.and_(f"type = {param}", window.deal_type)
    if window.order_ids is not None and kind.table == "oms_orders":
        where = _column_in(dialect, where, "id", window.order_ids)
    if kind.table == "oms_orders":
        where = _order_filters(dialect, where, window)
    moment = "created_at" if window.by_creation else kind.moment
    if _is_dated_commands(kind, window):
        where = where.and_(f"status IN ({_ANY_STATUS})")
    if (
        window.by_creation
        and kind.moment == "updated_at"
        and window.since
        and window.since.year > 1
    ):
        # A row is not changed before it was created, but for clocks of exchanges that differ from
        # that of the gateway; times of changes have an index.
        earliest = window.since - CLOCKS_DIFFER_MAX
        where = where.and_(f"updated_at >= {param}", dialect.encode_time(earliest))
    if window.since is not None:
        where = where.and_(f"{moment} >= {param}", dialect.encode_time(window.since))
    if window.until is not None:
        where = where.and_(f"{moment} < {param}", dialect.encode_time(window.until))
    return where


def page_query(
    dialect: Dialect, kind: HistoryTable, window: HistoryQuery, where: Conditions | None = None
) -> tuple[str, tuple[Any, ...]]:
    """Return the SELECT of one page plus one row, and its values.

    ``where`` replaces the conditions of the query.
    """
    limit, offset = window.page_size + 1, 0
    if window.after_id is None:
        offset = (max(window.page, 1) - 1) * window.page_size
    accounts = tuple(dict.fromkeys(window.account_ids))
    if where is None and not offset and 1 < len(accounts) <= SEEK_ACCOUNTS_MAX:
        return _seek_page(dialect, kind, window, accounts, limit)
    is_along = len(accounts) == 1 or _is_dated_commands(kind, window)
    if where is None and _link_of(kind, window) is not None:
        is_along = True
    table = _table(dialect, kind, window) if where is None and is_along else kind.table
    where = _after_id(dialect, window, where or window_conditions(dialect, kind, window))
    text = (
        f"SELECT {kind.columns} FROM {table} WHERE {where.text}"
        f" ORDER BY id {_direction(window)} LIMIT {dialect.param}"
    )
    if offset:
        return f"{text} OFFSET {dialect.param}", (*where.values, limit, offset)
    return text, (*where.values, limit)


def _seek_page(
    dialect: Dialect, kind: HistoryTable, window: HistoryQuery, accounts: Sequence[int], limit: int
) -> tuple[str, tuple[Any, ...]]:
    """Return a page merged from one index seek per account.

    A scan by id would read the rows of all other accounts, up to the whole table where the
    requested accounts are inactive; the rows of one account are adjacent in an index.
    """
    direction, param = _direction(window), dialect.param
    table = _table(dialect, kind, window)
    seeks, values = [], []
    for account_id in accounts:
        one = window_conditions(dialect, kind, evolve(window, account_ids=(account_id,)))
        where = _after_id(dialect, window, one)
        seeks.append(
            "SELECT page_id FROM"
            f" (SELECT id AS page_id FROM {table} WHERE {where.text}"
            f" ORDER BY id {direction} LIMIT {param}) AS a{account_id}"
        )
        values += [*where.values, limit]
    merged = (
        f"SELECT page_id FROM ({' UNION ALL '.join(seeks)}) AS u"
        f" ORDER BY page_id {direction} LIMIT {param}"
    )
    text = (
        f"SELECT {kind.columns} FROM ({merged}) AS k CROSS JOIN {kind.table}"
        f" WHERE id = page_id ORDER BY page_id {direction}"
    )
    return text, (*values, limit)


def _table(dialect: Dialect, kind: HistoryTable, window: HistoryQuery) -> str:
    """Return the table with an index hint where only accounts or dates are filtered.

    Because of LIMIT a planner may scan all ids instead, which does not stop early if an account has
    few rows or few rows in the period.
    """
    if _is_dated_commands(kind, window):
        return dialect.with_index(kind.table, "ix_oms_commands_queue")
    link = _link_of(kind, window)
    if link is not None:
        return dialect.with_index(kind.table, f"ix_{kind.table}_{link}")
    bare = HistoryQuery(account_ids=window.account_ids)
    is_bare = all(getattr(window, name) == getattr(bare, name) for name in _FILTERS)
    return dialect.with_index(kind.table, f"ix_{kind.table}_page") if is_bare else kind.table


def _link_of(kind: HistoryTable, window: HistoryQuery) -> str | None:
    """Return the filter whose index leads to few rows; ``None`` if there is none."""
    names = _LINKS.get(kind.table, ())
    return next((name for name in names if getattr(window, name) is not None), None)


def _order_filters(dialect: Dialect, where: Conditions, window: HistoryQuery) -> Conditions:
    for column in ("reason", "signal_id", "source_id", "group_id"):
        wanted = getattr(window, column)
        if wanted == 0:
            where = where.and_(f"{column} IS NULL")
        elif wanted is not None:
            where = where.and_(f"{column} = {dialect.param}", wanted)
    return where


def _is_dated_commands(kind: HistoryTable, window: HistoryQuery) -> bool:
    """Whether commands of any status are filtered by date: their index starts with the status."""
    is_dated = window.since is not None or window.until is not None
    return kind.table == "oms_commands" and is_dated and window.status is None


def _after_id(dialect: Dialect, window: HistoryQuery, where: Conditions) -> Conditions:
    """``where``, from the window's ``after_id`` on."""
    if window.descending and window.after_id:
        return where.and_(f"id < {dialect.param}", window.after_id)
    if not window.descending and window.after_id is not None:
        return where.and_(f"id > {dialect.param}", window.after_id)
    return where


def _direction(window: HistoryQuery) -> str:
    return "DESC" if window.descending else "ASC"


def _column_in(
    dialect: Dialect, where: Conditions, column: str, values: Sequence[Any]
) -> Conditions:
    if not values:
        return where.and_("1 = 0")
    return where.and_(f"{column} IN ({dialect.params(len(values))})", *values)


def _strategy_in(dialect: Dialect, where: Conditions, window: HistoryQuery) -> Conditions:
    """Add the strategy filter of commands, which is that of their order."""
    strategy_ids = None if window.strategy_id is None else {window.strategy_id}
    if window.strategies is not None:
        strategy_ids = (
            set(window.strategies) if strategy_ids is None else strategy_ids & window.strategies
        )
    if strategy_ids is None:
        return where
    mine = _column_in(
        dialect,
        Conditions("o.id = oms_commands.order_id", ()),
        "o.strategy_id",
        sorted(strategy_ids),
    )
    return where.and_(f"EXISTS (SELECT 1 FROM oms_orders o WHERE {mine.text})", *mine.values)


def _status_in(
    dialect: Dialect, where: Conditions, kind: HistoryTable, statuses: Sequence[str]
) -> Conditions:
    """Add the status filter; orders match by their public status or exact state."""
    if kind.table != "oms_orders" or not statuses:
        return _column_in(dialect, where, kind.status or "status", statuses)
    params = dialect.params(len(statuses))
    return where.and_(f"(status IN ({params}) OR state IN ({params}))", *statuses, *statuses)
