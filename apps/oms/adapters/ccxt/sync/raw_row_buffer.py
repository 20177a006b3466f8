"""Rows as they were rows: entries until a sweep hands them on; those that make no sense are named.

A row that cannot be read stops nothing: it is set aside with its reason, logged once a reason, and
stays evidence like any other. What it may have meant is not guessed.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from oms.ports.exchange import RawExchangeRow

_log = logging.getLogger("oms.ccxt")
#: Rows entries between two sweeps, the oldest let go first; those set aside likewise.
ROWS_MAX = 10_000
ORDER, TRADE, POSITION = "order", "execution", "position"
NOT_TRADED = "its symbol is not traded here"
#: Told under a name that another row of the same list has, too.
CONFLICTING_DUPLICATE = "repeated under the same id with different values"

Row = Mapping[str, Any]


class RawRowBuffer:
    """Of one account, in this process."""

    def __init__(self, venue: str) -> None:
        self._venue = venue
        self._rows: dict[tuple[object, ...], RawExchangeRow] = {}
        self._quarantined: dict[tuple[object, ...], None] = {}
        #: How many different rows were set aside, by what they are and why.
        self.quarantined_counts: Counter[tuple[str, str]] = Counter()

    def add(self, what: str, rows: Iterable[Row]) -> None:
        """Keep what was read, each version of a row once."""
        for row in rows:
            self._rows[what, hash(repr(row))] = RawExchangeRow(is_order=what == ORDER, row=row)
        _drop_oldest(self._rows)

    def quarantine(self, what: str, reason: str, row: Row) -> None:
        """Leave a row out, and say so."""
        key = (what, reason, hash(repr(row)))
        if key in self._quarantined:
            return
        self._quarantined[key] = None
        _drop_oldest(self._quarantined)
        is_first = (what, reason) not in self.quarantined_counts
        self.quarantined_counts[what, reason] += 1
        if is_first:
            _log.warning(
                "%s sets aside: %s: %s (%s %s); others like it are counted",
                self._venue,
                what,
                reason,
                row.get("symbol"),
                row.get("id"),
            )

    def take(self) -> tuple[RawExchangeRow, ...]:
        """What was rows since the last call."""
        rows, self._rows = self._rows, {}
        return tuple(rows.values())


def _drop_oldest(entries: dict[tuple[object, ...], Any]) -> None:
    while len(entries) > ROWS_MAX:
        del entries[next(iter(entries))]
