"""The prices of one symbol, and the client protocol that a price feed reads from."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from oms.adapters.ccxt.prices.price_parser import trade_key
from oms.domain.instrument import Instrument
from oms.domain.quotes import PublicTrade, Quote
from oms.ports.price_feed import MarkPrice, PriceUpdate

DETAIL_LIFETIME = timedelta(seconds=10)
"""How long trades and order book of a symbol are read after they were last requested."""

LATE_MAX = timedelta(seconds=60)
"""A quote of an earlier time than the last one is late; earlier by more, the clock was set back."""

UPDATES_KEPT_MAX = 500


class PublicPriceClient(Protocol):
    """What a price feed needs of a ``PublicClient``."""

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """All instruments by symbol; empty before it is open."""
        ...

    @property
    def hosts_called(self) -> Sequence[str]:
        """The hosts called so far."""
        ...

    @property
    def last_call_at(self) -> datetime | None:
        """Time of the last call."""
        ...

    @property
    def clock_ahead_ms(self) -> int:
        """How far our clock is ahead of the venue's, in milliseconds."""
        ...

    def has(self, method: str) -> bool:
        """Returns whether the venue itself has a method, by ccxt's name of it."""
        ...

    async def open(self) -> None:
        """Opens the client. Raises ``NotSent``, ``Rejected``, ``ReadFailed``."""
        ...

    async def call(self, method: str, *args: Any) -> Any:
        """Reads public data. Raises ``ReadFailed``."""
        ...

    async def close(self) -> None:
        """Closes the client for good."""
        ...


@dataclass(slots=True)
class SymbolPrices:
    """The prices of one symbol and its recent updates."""

    requested_at: datetime
    #: When depth was last requested.
    detail_requested_at: datetime | None = None
    quote: Quote | None = None
    has_failed: bool = False
    marked_at: datetime | None = None
    #: When trades were last requested, and the keys of the last reply; ``None`` before the first.
    traded_at: datetime | None = None
    trade_keys: frozenset[str] | None = None
    #: The sequence number of the newest update.
    sequence: int = 0
    updates: deque[tuple[int, PriceUpdate]] = field(
        default_factory=lambda: deque(maxlen=UPDATES_KEPT_MAX)
    )

    def apply(self, updates: PriceUpdate) -> None:
        """Apply an update; a quote only if it is newer than the last."""
        match updates:
            case Quote():
                if self.quote is not None and updates.at <= self.quote.at <= updates.at + LATE_MAX:
                    return
                self.quote = updates
            case MarkPrice():
                self.marked_at = updates.at
            case PublicTrade():
                pass
        self.sequence += 1
        self.updates.append((self.sequence, updates))

    def new_trades(self, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Returns the rows that the last reply did not have; none of the first reply."""
        before, self.trade_keys = self.trade_keys, frozenset(map(trade_key, rows))
        return [] if before is None else [row for row in rows if trade_key(row) not in before]

    def add_trades(self, trades: Sequence[PublicTrade | None]) -> None:
        """Apply public trades, oldest first."""
        for each in sorted((one for one in trades if one is not None), key=lambda one: one.at):
            self.apply(each)

    def needs_detail(self, now: datetime) -> bool:
        """Whether order book and trades are requested."""
        return (
            self.detail_requested_at is not None
            and now - self.detail_requested_at <= DETAIL_LIFETIME
        )
