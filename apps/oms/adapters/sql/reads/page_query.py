"""A ``Window`` as SQL: which rows, in which order, from where on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from oms.adapters.sql.connection.dialect import Dialect
from oms.domain.commands.command import CommandStatus
from oms.domain.value import evolve
from oms.ports.history_reads import HistoryQuery

#: Up to so many accounts a page is sought one by one: a few milliseconds at most.
SEEK_ACCOUNTS_MAX = 64
#: Fields of a window that narrow, but for the accounts; each may have an index of its own.
_NARROWING = (
    *("strategy_id", "strategies", "symbol", "status", "reconciled", "order_id", "position_id"),
    *("order_ids", "since", "until"),
)
_ANY_STATUS = ", ".join(f"'{status}'" for status in CommandStatus)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryTable:
    """A table as its history is read."""

    table: str
    columns: str
    #: The column that a window of time is about.
    moment: str
    #: The column that a filter by status is about.
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Conditions:
    """Conditions joined by AND, with their bound values in order."""

    text: str
    values: tuple[Any, ...]

    def and_(self, text: str, *values: Any) -> "Conditions":
        """These conditions and one more."""
        return Conditions(f"{self.text} AND {text}", (*self.values, *values))


def window_conditions(dialect: Dialect, kind: HistoryTable, window: HistoryQuery) -> Conditions:
    """The conditions of ``window``; what a table does not have does not narrow it."""
    param = dialect.param
    where = _among(dialect, Conditions("1 = 1", ()), "account_id", window.account_ids)
    if kind.table.startswith("ccxt_"):
        if window.symbol is not None:
            where = where.and_(f"symbol = {param}", window.symbol)
    elif kind.table == "oms_commands":
        where = _of_strategies(dialect, where, window)
    else:
        if window.strategy_id is not None:
            where = where.and_(f"strategy_id = {param}", window.strategy_id)
        if window.strategies is not None:
            where = _among(dialect, where, "strategy_id", sorted(window.strategies))
        if window.symbol is not None:
            where = where.and_(f"symbol = {param}", window.symbol)
    if window.status is not None and kind.status is not None:
        where = _among_status(dialect, where, kind, sorted(window.status))
    if window.reconciled is not None and kind.table in ("oms_orders", "oms_deals"):
        where = where.and_(f"reconciled = {param}", window.reconciled)
    if window.order_id is not None and kind.table in ("oms_deals", "oms_commands"):
        where = where.and_(f"order_id = {param}", window.order_id)
    if window.position_id is not None and kind.table in ("oms_deals", "oms_orders"):
        where = where.and_(f"position_id = {param}", window.position_id)
    if window.order_ids is not None and kind.table == "oms_orders":
        where = _among(dialect, where, "id", window.order_ids)
    moment = "created_at" if window.by_creation else kind.moment
    if _is_dated_commands(kind, window):
        where = where.and_(f"status IN ({_ANY_STATUS})")
    if window.since is not None:
        where = where.and_(f"{moment} >= {param}", dialect.encode_time(window.since))
    if window.until is not None:
        where = where.and_(f"{moment} < {param}", dialect.encode_time(window.until))
    return where


def page_query(
    dialect: Dialect, kind: HistoryTable, window: HistoryQuery, where: Conditions | None = None
) -> tuple[str, tuple[Any, ...]]:
    """The SELECT of one page and one row more, and its values.

    ``where`` replaces the conditions of the window.
    """
    limit, skipped = window.page_size + 1, 0
    if window.after_id is None:
        skipped = (max(window.page, 1) - 1) * window.page_size
    accounts = tuple(dict.fromkeys(window.account_ids))
    if where is None and not skipped and 1 < len(accounts) <= SEEK_ACCOUNTS_MAX:
        return _sought(dialect, kind, window, accounts, limit)
    is_along = len(accounts) == 1 or _is_dated_commands(kind, window)
    table = _table(dialect, kind, window) if where is None and is_along else kind.table
    where = _behind(dialect, window, where or window_conditions(dialect, kind, window))
    text = (
        f"SELECT {kind.columns} FROM {table} WHERE {where.text}"
        f" ORDER BY id {_way(window)} LIMIT {dialect.param}"
    )
    if skipped:
        return f"{text} OFFSET {dialect.param}", (*where.values, limit, skipped)
    return text, (*where.values, limit)


def _sought(
    dialect: Dialect, kind: HistoryTable, window: HistoryQuery, accounts: Sequence[int], limit: int
) -> tuple[str, tuple[Any, ...]]:
    """A page sought account by account, and merged.

    Walking the ids of all accounts reads past the rows of everybody else, to the end of the table
    where those asked for have fallen silent; an account's own rows stand together in an index.
    """
    way, param = _way(window), dialect.param
    table = _table(dialect, kind, window)
    seeks, values = [], []
    for account_id in accounts:
        one = window_conditions(dialect, kind, evolve(window, account_ids=(account_id,)))
        where = _behind(dialect, window, one)
        seeks.append(
            "SELECT page_id FROM"
            f" (SELECT id AS page_id FROM {table} WHERE {where.text}"
            f" ORDER BY id {way} LIMIT {param}) AS a{account_id}"
        )
        values += [*where.values, limit]
    merged = (
        f"SELECT page_id FROM ({' UNION ALL '.join(seeks)}) AS u"
        f" ORDER BY page_id {way} LIMIT {param}"
    )
    text = (
        f"SELECT {kind.columns} FROM ({merged}) AS k CROSS JOIN {kind.table}"
        f" WHERE id = page_id ORDER BY page_id {way}"
    )
    return text, (*values, limit)


def _table(dialect: Dialect, kind: HistoryTable, window: HistoryQuery) -> str:
    """The table, to be read along an account's rows where nothing else narrows, or along time.

    A planner that is told to stop early may walk all ids instead, and then does not stop where an
    account has few rows, or few in its dates.
    """
    if _is_dated_commands(kind, window):
        return dialect.with_index(kind.table, "ix_oms_commands_queue")
    bare = HistoryQuery(account_ids=window.account_ids)
    is_bare = all(getattr(window, name) == getattr(bare, name) for name in _NARROWING)
    return dialect.with_index(kind.table, f"ix_{kind.table}_page") if is_bare else kind.table


def _is_dated_commands(kind: HistoryTable, window: HistoryQuery) -> bool:
    """Commands of any status within dates: the index that knows their times begins with status."""
    is_dated = window.since is not None or window.until is not None
    return kind.table == "oms_commands" and is_dated and window.status is None


def _behind(dialect: Dialect, window: HistoryQuery, where: Conditions) -> Conditions:
    """``where``, from the window's ``after_id`` on."""
    if window.descending and window.after_id:
        return where.and_(f"id < {dialect.param}", window.after_id)
    if not window.descending and window.after_id is not None:
        return where.and_(f"id > {dialect.param}", window.after_id)
    return where


def _way(window: HistoryQuery) -> str:
    return "DESC" if window.descending else "ASC"


def _among(dialect: Dialect, where: Conditions, column: str, values: Sequence[Any]) -> Conditions:
    if not values:
        return where.and_("1 = 0")
    return where.and_(f"{column} IN ({dialect.params(len(values))})", *values)


def _of_strategies(dialect: Dialect, where: Conditions, window: HistoryQuery) -> Conditions:
    """Commands have no strategy of their own: that of the order they made or touched counts."""
    asked = None if window.strategy_id is None else {window.strategy_id}
    if window.strategies is not None:
        asked = set(window.strategies) if asked is None else asked & window.strategies
    if asked is None:
        return where
    mine = _among(
        dialect, Conditions("o.id = oms_commands.order_id", ()), "o.strategy_id", sorted(asked)
    )
    return where.and_(f"EXISTS (SELECT 1 FROM oms_orders o WHERE {mine.text})", *mine.values)


def _among_status(
    dialect: Dialect, where: Conditions, kind: HistoryTable, words: Sequence[str]
) -> Conditions:
    """Orders are asked for by either of their two words, the shown status or the exact state."""
    if kind.table != "oms_orders" or not words:
        return _among(dialect, where, kind.status or "status", words)
    params = dialect.params(len(words))
    return where.and_(f"(status IN ({params}) OR state IN ({params}))", *words, *words)
