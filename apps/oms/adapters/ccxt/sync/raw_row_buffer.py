"""Rows as they were told: kept until a sweep hands them on; those that make no sense are named.

A row that cannot be read stops nothing: it is set aside with its reason, logged once a reason, and
stays evidence like any other. What it may have meant is not guessed.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from oms.ports.exchange import RawExchangeRow

_log = logging.getLogger("oms.ccxt")
#: Rows kept between two sweeps, the oldest let go first; those set aside likewise.
ROWS_MAX = 10_000
ORDER, TRADE, POSITION = "order", "execution", "position"
NOT_TRADED = "its symbol is not traded here"
#: Told under a name that another row of the same list has, too.
CONFLICTING_DUPLICATE = "told again under one id with other facts"

Row = Mapping[str, Any]


class RawRowBuffer:
    """Of one account, in this process."""

    def __init__(self, venue: str) -> None:
        self._venue = venue
        self._told: dict[tuple[object, ...], RawExchangeRow] = {}
        self._aside: dict[tuple[object, ...], None] = {}
        #: How many different rows were set aside, by what they are and why.
        self.quarantined_counts: Counter[tuple[str, str]] = Counter()

    def told(self, what: str, rows: Iterable[Row]) -> None:
        """Keep what was read, each version of a row once."""
        for row in rows:
            self._told[what, hash(repr(row))] = RawExchangeRow(is_order=what == ORDER, row=row)
        _let_go(self._told)

    def quarantine(self, what: str, reason: str, row: Row) -> None:
        """Leave a row out, and say so."""
        key = (what, reason, hash(repr(row)))
        if key in self._aside:
            return
        self._aside[key] = None
        _let_go(self._aside)
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

    def taken(self) -> tuple[RawExchangeRow, ...]:
        """What was told since the last call."""
        told, self._told = self._told, {}
        return tuple(told.values())


def _let_go(kept: dict[tuple[object, ...], Any]) -> None:
    while len(kept) > ROWS_MAX:
        del kept[next(iter(kept))]
