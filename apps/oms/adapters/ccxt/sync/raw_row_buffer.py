"""Raw rows as the exchange sent them, kept until the next snapshot; malformed ones are quarantined.

A malformed row stops nothing: it is left out with a reason, logged once per reason, and kept as a
raw row like any other.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from oms.ports.exchange import RawExchangeRow

_log = logging.getLogger("oms.ccxt")
#: Rows kept between two snapshots, and entries remembered at most; the oldest are dropped.
ROWS_MAX = 10_000
ORDER, TRADE, POSITION, FUNDING = "order", "execution", "position", "funding"
NOT_TRADED = "its symbol is not traded here"
#: A row with the id of another row of the same list.
CONFLICTING_DUPLICATE = "repeated under the same id with different values"

Row = Mapping[str, Any]


class RawRowBuffer:
    """Raw rows of one account in this process."""

    def __init__(self, venue: str) -> None:
        self._venue = venue
        self._rows: dict[tuple[object, ...], RawExchangeRow] = {}
        self._quarantined: dict[tuple[object, ...], None] = {}
        #: The number of different quarantined rows, by kind and reason.
        self.quarantined_counts: Counter[tuple[str, str]] = Counter()

    def add(self, what: str, rows: Iterable[Row]) -> None:
        """Keep rows, each version once."""
        for row in rows:
            self._rows[what, hash(repr(row))] = RawExchangeRow(is_order=what == ORDER, row=row)
        drop_oldest(self._rows)

    def quarantine(self, what: str, reason: str, row: Row) -> None:
        """Leave a row out and count it; the first of a kind and reason is logged."""
        key = (what, reason, hash(repr(row)))
        if key in self._quarantined:
            return
        self._quarantined[key] = None
        drop_oldest(self._quarantined)
        is_first = (what, reason) not in self.quarantined_counts
        self.quarantined_counts[what, reason] += 1
        if is_first:
            _log.warning(
                "%s quarantines: %s: %s (%s %s); further ones are counted",
                self._venue,
                what,
                reason,
                row.get("symbol"),
                row.get("id"),
            )

    def take(self) -> tuple[RawExchangeRow, ...]:
        """Returns the rows since the last call."""
        rows, self._rows = self._rows, {}
        return tuple(rows.values())


def drop_oldest(entries: dict[Any, Any]) -> None:
    """Remove the oldest entries that are too many."""
    while len(entries) > ROWS_MAX:
        del entries[next(iter(entries))]
