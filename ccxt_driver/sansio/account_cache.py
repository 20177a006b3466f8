"""What is known of an account from its events, and what of it each watcher has not been told.

The rule, without I/O: rows come from *events* (numbered, ``seq``; one that was seen is dropped)
and from *lists* (a snapshot, or a read over HTTP, which tell again what was told). A list's row
is news only if it is newer than what was told; an event's row is news unless a list told it
before. So it does not matter over which connection, or how often, something arrives.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Row = Mapping[str, Any]

ORDERS, TRADES, POSITIONS = KINDS = ("orders", "trades", "positions")
#: Rows that may wait for one watcher; more, and it is told that it lost some.
PENDING_ROWS_MAX = 10_000
#: Rows of each kind that are over and still remembered.
CLOSED_ROWS_MAX = 5_000

_SNAPSHOTS = {"snapshot_open_orders": ORDERS, "snapshot_open_positions": POSITIONS}
_ROWS = {
    "order_updated": ORDERS,
    "order_deleted": ORDERS,
    "deal_updated": TRADES,
    "deal_deleted": TRADES,
    "position_updated": POSITIONS,
    "position_deleted": POSITIONS,
}
_ID_KEYS = {ORDERS: "order_id", TRADES: "deal_id", POSITIONS: "position_id"}
_OVER = frozenset({"FILLED", "CANCELED", "REJECTED", "EXPIRED", "CLOSED", "MERGED"})


class EventGap(Exception):
    """The number of the event before is not the last one seen: some never arrived."""


def extract_rows(
    kind: str, frame: Mapping[str, Any], symbols: frozenset[str] = frozenset()
) -> list[Row]:
    """The rows of a kind that a frame brings, of these symbols (upper case) or of all."""
    event, payload = frame.get("event"), frame.get("payload")
    if not isinstance(payload, Mapping):
        return []
    rows: Iterable[Any] = ()
    if _SNAPSHOTS.get(str(event)) == kind:
        rows = payload.get("items") or ()
    elif _ROWS.get(str(event)) == kind:
        rows = (payload,)
    return [row for row in rows if isinstance(row, Mapping) and _is_of(row, symbols)]


@dataclass(slots=True, kw_only=True, eq=False)
class WatchQueue:
    """One question, asked again and again: the rows that were not answered yet."""

    kind: str
    symbols: frozenset[str] = frozenset()
    strategy_id: int = 0
    waiting: deque[Row] = field(default_factory=deque)
    has_overflowed: bool = False

    def tell(self, row: Row) -> None:
        """Keep a row for the next answer, if it is one of those asked for."""
        if not _is_of(row, self.symbols):
            return
        if self.strategy_id and row.get("strategy_id") != self.strategy_id:
            return
        if len(self.waiting) >= PENDING_ROWS_MAX:
            self.has_overflowed = True
        else:
            self.waiting.append(row)


@dataclass(slots=True, kw_only=True)
class _Told:
    """The last word on a row; ``is_listed``: a list said it, so its event may still come."""

    row: Row
    is_listed: bool


@dataclass(slots=True, kw_only=True)
class AccountCache:
    """One account, followed from one connection to the next."""

    account_id: int
    #: The last event seen; ``None`` before the first snapshot.
    seq: int | None = None
    #: How many rows were told.
    news: int = 0
    #: When the newest trade happened that was told; ``None`` before the first.
    last_trade_at: str | None = None
    #: Kinds of which it is known what is open.
    known: set[str] = field(default_factory=set)
    #: (kind, id) of rows that were open and are in no list any more: to be read one by one.
    unlisted: set[tuple[str, str]] = field(default_factory=set)
    _watchers: dict[object, WatchQueue] = field(default_factory=dict)
    _open: dict[str, dict[str, Row]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    _told: dict[str, dict[str, _Told]] = field(default_factory=lambda: {kind: {} for kind in KINDS})

    def watcher(self, kind: str, symbols: frozenset[str], strategy_id: int) -> WatchQueue:
        """The watcher of a question; a new one begins with all that is open."""
        key = (kind, symbols, strategy_id)
        found = self._watchers.get(key)
        if found is None:
            found = WatchQueue(kind=kind, symbols=symbols, strategy_id=strategy_id)
            self._watchers[key] = found
            for row in self._open[kind].values():
                found.tell(row)
        return found

    def forget(self, watcher: WatchQueue) -> None:
        """End a watcher; the same question begins anew."""
        self._watchers.pop((watcher.kind, watcher.symbols, watcher.strategy_id), None)

    def watched_kinds(self) -> list[str]:
        """The kinds that somebody asks for."""
        asked = {watcher.kind for watcher in self._watchers.values()}
        return [kind for kind in KINDS if kind in asked]

    def take(self, frame: Mapping[str, Any]) -> None:
        """Take in a frame of the stream, whatever it is. Raises ``EventsLost``."""
        event, payload = frame.get("event"), frame.get("payload")
        if not isinstance(payload, Mapping) or self._account_of(frame) != self.account_id:
            return
        snapshot = _SNAPSHOTS.get(str(event))
        if snapshot is not None:
            self.apply_snapshot(snapshot, extract_rows(snapshot, frame))
            self.seq = _later(self.seq, payload.get("seq"))
        elif event == "gap":
            self.reset_sequence()
        elif self._is_new(frame):
            kind = _ROWS.get(str(event))
            if kind is not None:
                self._take_row(kind, payload)

    def reset_sequence(self) -> None:
        """Events will not come any more: forget the number, not what was told.

        The snapshots that follow tell what is open, but no trades: those have to be read.
        """
        self.seq = None
        self.known.clear()
        if self.last_trade_at is None:
            self.known.add(TRADES)

    def apply_snapshot(self, kind: str, rows: Iterable[Row]) -> None:
        """Take in all that is open of a kind (of trades: the newest)."""
        listed = {_id_of(kind, row): row for row in rows}
        if kind != TRADES:
            gone = self._open[kind].keys() - listed.keys()
            self.unlisted |= {(kind, row_id) for row_id in gone}
        for row in listed.values():
            self.apply_row(kind, row)
        self.known.add(kind)

    def apply_row(self, kind: str, row: Row) -> None:
        """Take in one row as it was read."""
        row_id = _id_of(kind, row)
        self.unlisted.discard((kind, row_id))
        told = self._told[kind].get(row_id)
        if told is None or not _is_old(row, told.row):
            self._tell(kind, row_id, row, is_listed=True)

    def _take_row(self, kind: str, row: Row) -> None:
        row_id = _id_of(kind, row)
        told = self._told[kind].get(row_id)
        if told is None or not told.is_listed or not _is_old(row, told.row):
            self._tell(kind, row_id, row, is_listed=False)

    def _tell(self, kind: str, row_id: str, row: Row, *, is_listed: bool) -> None:
        self.news += 1
        remembered = self._told[kind]
        remembered.pop(row_id, None)
        remembered[row_id] = _Told(row=row, is_listed=is_listed)
        if kind == TRADES:
            self.last_trade_at = row.get("executed_at") or self.last_trade_at
        elif _is_over(row):
            self._open[kind].pop(row_id, None)
        else:
            self._open[kind][row_id] = row
        if len(remembered) > CLOSED_ROWS_MAX + len(self._open[kind]):
            del remembered[next(each for each in remembered if each not in self._open[kind])]
        for watcher in self._watchers.values():
            if watcher.kind == kind:
                watcher.tell(row)

    def _is_new(self, frame: Mapping[str, Any]) -> bool:
        """Count an event; whether it was not seen before. One without number is always new."""
        seq, before = frame.get("seq"), frame.get("prev_seq")
        if not isinstance(seq, int):
            return True
        if self.seq is not None:
            if seq <= self.seq:
                return False
            if isinstance(before, int) and before > self.seq:
                raise EventGap(f"{self.seq} was seen, {before} came before {seq}")
        self.seq = seq
        return True

    def _account_of(self, frame: Mapping[str, Any]) -> Any:
        payload = frame["payload"]
        return frame.get("account_id", payload.get("account_id", self.account_id))


def _id_of(kind: str, row: Row) -> str:
    found = row.get("id")
    return str(row.get(_ID_KEYS[kind]) if found is None else found)


def _is_of(row: Row, symbols: frozenset[str]) -> bool:
    return not symbols or str(row.get("symbol")).upper() in symbols


def _is_over(row: Row) -> bool:
    words = {str(row.get("status")).upper(), str(row.get("state")).upper()}
    return bool(row.get("__deleted")) or not words.isdisjoint(_OVER)


def _is_old(row: Row, told: Row) -> bool:
    """Whether ``row`` says nothing that ``told`` did not."""
    if row.get("__deleted") and not told.get("__deleted"):
        return False
    version, before = row.get("version"), told.get("version")
    if isinstance(version, int) and isinstance(before, int):
        return version <= before
    return all(told.get(key) == value for key, value in row.items() if key in told)


def _later(seq: int | None, other: Any) -> int | None:
    return max(seq or 0, other) if isinstance(other, int) else seq
