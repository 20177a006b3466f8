"""A ``Window`` as SQL: which rows, in which order, from where on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from oms.adapters.sql.dialect import Dialect
from oms.ports.history import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A table as its history is read."""

    table: str
    columns: str
    #: The column that a window of time is about.
    moment: str
    #: The column that a filter by status is about.
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Where:
    """Conditions joined by AND, with their bound values in order."""

    text: str
    values: tuple[Any, ...]

    def also(self, text: str, *values: Any) -> "Where":
        """These conditions and one more."""
        return Where(f"{self.text} AND {text}", (*self.values, *values))


def narrowed(dialect: Dialect, kind: Kind, window: Window) -> Where:
    """The conditions of ``window``; what a table does not have does not narrow it."""
    mark = dialect.mark
    where = _among(dialect, Where("1 = 1", ()), "account_id", window.account_ids)
    if kind.table != "oms_commands":
        if window.strategy_id is not None:
            where = where.also(f"strategy_id = {mark}", window.strategy_id)
        if window.strategies is not None:
            where = _among(dialect, where, "strategy_id", sorted(window.strategies))
        if window.symbol is not None:
            where = where.also(f"symbol = {mark}", window.symbol)
    if window.status is not None and kind.status is not None:
        where = _among_status(dialect, where, kind, sorted(window.status))
    if window.reconciled is not None and kind.table in ("oms_orders", "oms_deals"):
        where = where.also(f"reconciled = {mark}", window.reconciled)
    if window.order_id is not None and kind.table in ("oms_deals", "oms_commands"):
        where = where.also(f"order_id = {mark}", window.order_id)
    if window.position_id is not None and kind.table in ("oms_deals", "oms_orders"):
        where = where.also(f"position_id = {mark}", window.position_id)
    if window.order_ids is not None and kind.table == "oms_orders":
        where = _among(dialect, where, "id", window.order_ids)
    moment = "created_at" if window.by_creation else kind.moment
    if window.since is not None:
        where = where.also(f"{moment} >= {mark}", dialect.time_in(window.since))
    if window.until is not None:
        where = where.also(f"{moment} < {mark}", dialect.time_in(window.until))
    return where


def page_text(
    dialect: Dialect, kind: Kind, window: Window, where: Where
) -> tuple[str, tuple[Any, ...]]:
    """The SELECT of one page and one row more, and its values."""
    mark = dialect.mark
    skipped = 0
    if window.after_id is None:
        skipped = (max(window.page, 1) - 1) * window.page_size
    elif window.descending and window.after_id:
        where = where.also(f"id < {mark}", window.after_id)
    elif not window.descending:
        where = where.also(f"id > {mark}", window.after_id)
    text = (
        f"SELECT {kind.columns} FROM {kind.table} WHERE {where.text}"
        f" ORDER BY id {'DESC' if window.descending else 'ASC'} LIMIT {mark}"
    )
    values = (*where.values, window.page_size + 1)
    if skipped:
        return f"{text} OFFSET {mark}", (*values, skipped)
    return text, values


def _among(dialect: Dialect, where: Where, column: str, values: Sequence[Any]) -> Where:
    if not values:
        return where.also("1 = 0")
    return where.also(f"{column} IN ({dialect.marks(len(values))})", *values)


def _among_status(dialect: Dialect, where: Where, kind: Kind, words: Sequence[str]) -> Where:
    """Orders are asked for by either of their two words, the shown status or the exact state."""
    if kind.table != "oms_orders" or not words:
        return _among(dialect, where, kind.status or "status", words)
    marks = dialect.marks(len(words))
    return where.also(f"(status IN ({marks}) OR state IN ({marks}))", *words, *words)
