"""Cache of one account's orders, trades and positions, and the rows not yet returned by watches.

Rows come from *events*, numbered by ``seq`` (an event received before is dropped), and from
*snapshots* (also reads over HTTP), which repeat rows. A snapshot's row is new only if it differs
from the cached one; an event's row is new unless a snapshot contained it. So it does not matter
over which connection, or how often, a row arrives. No I/O.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Row = Mapping[str, Any]

ORDERS, TRADES, POSITIONS = KINDS = ("orders", "trades", "positions")
#: Rows that one watch queue holds; with more it overflows and the watch raises an error.
PENDING_ROWS_MAX = 10_000
#: Closed rows of each kind that stay in the cache.
CLOSED_ROWS_MAX = 5_000

_SNAPSHOT_KINDS = {"snapshot_open_orders": ORDERS, "snapshot_open_positions": POSITIONS}
_EVENT_KINDS = {
    "order_updated": ORDERS,
    "order_deleted": ORDERS,
    "deal_updated": TRADES,
    "deal_deleted": TRADES,
    "position_updated": POSITIONS,
    "position_deleted": POSITIONS,
}
MARKED = "positions_marked"
#: What such an event says of each of its positions.
_MARK_KEYS = ("mark_price", "mark_at", "market_value", "cost_basis", "unrealized_pnl")
_ID_KEYS = {ORDERS: "order_id", TRADES: "deal_id", POSITIONS: "position_id"}
_FINAL_STATES = frozenset({"FILLED", "CANCELED", "REJECTED", "EXPIRED", "CLOSED", "MERGED"})


class EventGap(Exception):
    """The event before the received one is not the last cached one: events are missing."""


def extract_rows(
    kind: str, frame: Mapping[str, Any], symbols: frozenset[str] = frozenset()
) -> list[Row]:
    """Returns the rows of a kind in a frame, of ``symbols`` (upper case) or of all."""
    event, payload = frame.get("event"), frame.get("payload")
    if not isinstance(payload, Mapping):
        return []
    rows: Iterable[Any] = ()
    if _SNAPSHOT_KINDS.get(str(event)) == kind:
        rows = payload.get("items") or ()
    elif _EVENT_KINDS.get(str(event)) == kind:
        rows = (payload,)
    return [row for row in rows if isinstance(row, Mapping) and _has_symbol(row, symbols)]


@dataclass(slots=True, kw_only=True, eq=False)
class WatchQueue:
    """Rows that the next call of one watch returns; identified by what it watches."""

    kind: str
    symbols: frozenset[str] = frozenset()
    strategy_id: int = 0
    #: Whether it returns positions whose mark alone changed.
    with_marks: bool = False
    pending: deque[Row] = field(default_factory=deque)
    #: Rows with a new mark by id: of each only the newest, so that they never overflow.
    marked: dict[str, Row] = field(default_factory=dict)
    has_overflowed: bool = False

    def add(self, row_id: str, row: Row) -> None:
        """Appends a row if it matches the symbols and the strategy."""
        if not self._matches(row):
            return
        self.marked.pop(row_id, None)  # It is of an earlier version.
        if len(self.pending) >= PENDING_ROWS_MAX:
            self.has_overflowed = True
        else:
            self.pending.append(row)

    def add_marked(self, row_id: str, row: Row) -> None:
        """Keeps a row whose mark changed, if the watch returns such rows."""
        if self.with_marks and self._matches(row):
            self.marked[row_id] = row

    def next_row(self) -> Row | None:
        """Removes the next row; ``None`` if there is none."""
        if self.pending:
            return self.pending.popleft()
        return self.marked.pop(next(iter(self.marked))) if self.marked else None

    def _matches(self, row: Row) -> bool:
        is_other = self.strategy_id and row.get("strategy_id") != self.strategy_id
        return _has_symbol(row, self.symbols) and not is_other


@dataclass(slots=True, kw_only=True)
class _CachedRow:
    """``is_from_snapshot``: the event of this row version may still arrive."""

    row: Row
    is_from_snapshot: bool


@dataclass(slots=True, kw_only=True)
class AccountCache:
    """The rows of one account, kept from one connection to the next."""

    account_id: int
    #: The number of the last event; ``None`` before the first snapshot.
    seq: int | None = None
    #: How many rows were new or changed.
    change_count: int = 0
    #: ``executed_at`` of the newest trade; ``None`` before the first.
    last_trade_at: str | None = None
    #: Kinds of which all open rows are cached.
    synced_kinds: set[str] = field(default_factory=set)
    #: (kind, id) of rows that were open but are missing in a snapshot: they have to be read.
    unlisted: set[tuple[str, str]] = field(default_factory=set)
    _queues: dict[object, WatchQueue] = field(default_factory=dict)
    _open: dict[str, dict[str, Row]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    _rows: dict[str, dict[str, _CachedRow]] = field(
        default_factory=lambda: {kind: {} for kind in KINDS}
    )

    def queue(
        self,
        kind: str,
        symbols: frozenset[str],
        strategy_id: int,
        *,
        with_marks: bool = False,
    ) -> WatchQueue:
        """Returns the queue of a watch; a new one contains all open rows."""
        key = (kind, symbols, strategy_id, with_marks)
        queue = self._queues.get(key)
        if queue is None:
            queue = WatchQueue(
                kind=kind, symbols=symbols, strategy_id=strategy_id, with_marks=with_marks
            )
            self._queues[key] = queue
            for row_id, row in self._open[kind].items():
                queue.add(row_id, row)
        return queue

    @property
    def wants_marks(self) -> bool:
        """Whether a watch returns positions whose mark changed."""
        return any(queue.with_marks for queue in self._queues.values())

    def remove_queue(self, queue: WatchQueue) -> None:
        """Removes a queue; the next watch of the same key starts with all open rows."""
        key = (queue.kind, queue.symbols, queue.strategy_id, queue.with_marks)
        self._queues.pop(key, None)

    def remove_queues(self, kind: str) -> None:
        """Removes all queues of a kind."""
        self._queues = {key: each for key, each in self._queues.items() if each.kind != kind}

    def watched_kinds(self) -> list[str]:
        """Returns the kinds that have a queue."""
        watched = {queue.kind for queue in self._queues.values()}
        return [kind for kind in KINDS if kind in watched]

    def apply_frame(self, frame: Mapping[str, Any]) -> None:
        """Applies a frame of the stream; others are ignored. Raises ``EventGap``."""
        event, payload = frame.get("event"), frame.get("payload")
        if not isinstance(payload, Mapping) or self._account_id_of(frame) != self.account_id:
            return
        snapshot_kind = _SNAPSHOT_KINDS.get(str(event))
        if snapshot_kind is not None:
            self.apply_snapshot(snapshot_kind, extract_rows(snapshot_kind, frame))
            self.seq = _later(self.seq, payload.get("seq"))
        elif event == MARKED:
            for mark in payload.get("marks") or ():
                self._apply_mark(mark)
        elif event == "gap":
            self.reset_sequence()
        elif self._advance_sequence(frame):
            kind = _EVENT_KINDS.get(str(event))
            if kind is not None:
                self._apply_event_row(kind, payload)

    def reset_sequence(self) -> None:
        """Forgets the event number, after missed events; cached rows stay.

        The snapshots that follow contain what is open, but no trades: those have to be read.
        """
        self.seq = None
        self.synced_kinds.clear()
        if self.last_trade_at is None:
            self.synced_kinds.add(TRADES)

    def apply_snapshot(self, kind: str, rows: Iterable[Row]) -> None:
        """Applies all open rows of a kind (of trades: the newest)."""
        listed = {_row_id(kind, row): row for row in rows}
        if kind != TRADES:
            missing = self._open[kind].keys() - listed.keys()
            self.unlisted |= {(kind, row_id) for row_id in missing}
        for row in listed.values():
            self.apply_row(kind, row)
        self.synced_kinds.add(kind)

    def apply_row(self, kind: str, row: Row) -> None:
        """Applies one row that was read or part of a snapshot."""
        row_id = _row_id(kind, row)
        self.unlisted.discard((kind, row_id))
        cached = self._rows[kind].get(row_id)
        if cached is None or not _is_unchanged(row, cached.row):
            self._store(kind, row_id, row, is_from_snapshot=True)

    def _apply_event_row(self, kind: str, row: Row) -> None:
        row_id = _row_id(kind, row)
        cached = self._rows[kind].get(row_id)
        if cached is None or not cached.is_from_snapshot or not _is_unchanged(row, cached.row):
            self._store(kind, row_id, row, is_from_snapshot=False)

    def _apply_mark(self, mark: Row) -> None:
        """Sets the mark of an open position; it has no number and belongs to no version."""
        row_id = str(mark.get("position_id"))
        row = self._open[POSITIONS].get(row_id)
        if row is None:
            return
        marked = {**row, **{key: mark[key] for key in _MARK_KEYS if key in mark}}
        self._open[POSITIONS][row_id] = marked
        for queue in self._queues.values():
            if queue.kind == POSITIONS:
                queue.add_marked(row_id, marked)

    def _store(self, kind: str, row_id: str, row: Row, *, is_from_snapshot: bool) -> None:
        self.change_count += 1
        rows = self._rows[kind]
        rows.pop(row_id, None)
        rows[row_id] = _CachedRow(row=row, is_from_snapshot=is_from_snapshot)
        if kind == TRADES:
            self.last_trade_at = row.get("executed_at") or self.last_trade_at
        elif _is_final(row):
            self._open[kind].pop(row_id, None)
        else:
            self._open[kind][row_id] = row
        if len(rows) > CLOSED_ROWS_MAX + len(self._open[kind]):
            del rows[next(each for each in rows if each not in self._open[kind])]
        for queue in self._queues.values():
            if queue.kind == kind:
                queue.add(row_id, row)

    def _advance_sequence(self, frame: Mapping[str, Any]) -> bool:
        """Returns whether an event is new; one without a number always is. Raises ``EventGap``."""
        seq, previous = frame.get("seq"), frame.get("prev_seq")
        if not isinstance(seq, int):
            return True
        if self.seq is not None:
            if seq <= self.seq:
                return False
            if isinstance(previous, int) and previous > self.seq:
                raise EventGap(f"event {seq} follows {previous}, the last one was {self.seq}")
        self.seq = seq
        return True

    def _account_id_of(self, frame: Mapping[str, Any]) -> Any:
        payload = frame["payload"]
        return frame.get("account_id", payload.get("account_id", self.account_id))


def _row_id(kind: str, row: Row) -> str:
    row_id = row.get("id")
    return str(row.get(_ID_KEYS[kind]) if row_id is None else row_id)


def _has_symbol(row: Row, symbols: frozenset[str]) -> bool:
    return not symbols or str(row.get("symbol")).upper() in symbols


def _is_final(row: Row) -> bool:
    states = {str(row.get("status")).upper(), str(row.get("state")).upper()}
    return bool(row.get("__deleted")) or not states.isdisjoint(_FINAL_STATES)


def _is_unchanged(row: Row, cached: Row) -> bool:
    """Whether ``row`` contains nothing newer than ``cached``."""
    if row.get("__deleted") and not cached.get("__deleted"):
        return False
    version, cached_version = row.get("version"), cached.get("version")
    if isinstance(version, int) and isinstance(cached_version, int):
        return version <= cached_version
    return all(cached.get(key) == value for key, value in row.items() if key in cached)


def _later(seq: int | None, other: Any) -> int | None:
    return max(seq or 0, other) if isinstance(other, int) else seq
