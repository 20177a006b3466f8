"""What a feed of live prices reads from, and what it knows of one symbol."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from oms.adapters.ccxt.prices.price_parser import trade_key
from oms.domain.instrument import Instrument
from oms.ports.exchange import PublicTrade, Quote
from oms.ports.price_feed import MarkPrice, PriceUpdate

DETAIL_LIFETIME = timedelta(seconds=10)
"""How long the trades and the book of a symbol are read after they were wished last."""

UPDATES_KEPT_MAX = 500


class PublicPriceClient(Protocol):
    """A client of ``public_client.PublicClient``'s kind."""

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """All instruments by symbol; none before it is open."""
        ...

    @property
    def hosts_called(self) -> Sequence[str]:
        """The hosts called so far."""
        ...

    @property
    def last_call_at(self) -> datetime | None:
        """When one was called last."""
        ...

    @property
    def clock_ahead_ms(self) -> int:
        """How far our clock is ahead of the venue's."""
        ...

    def has(self, method: str) -> bool:
        """Whether the venue itself answers a method, by ccxt's name of it."""
        ...

    async def open(self) -> None:
        """Raises ``NotSent``, ``Rejected``, ``ReadFailed``."""
        ...

    async def call(self, method: str, *args: Any) -> Any:
        """Public data. Raises ``ReadFailed``."""
        ...

    async def close(self) -> None:
        """End it for good."""
        ...


@dataclass(slots=True)
class SymbolPrices:
    """What is known of one symbol."""

    requested_at: datetime
    #: When it was asked for closely last.
    detail_requested_at: datetime | None = None
    quote: Quote | None = None
    has_failed: bool = False
    marked_at: datetime | None = None
    #: When trades were asked for last, and those of the last answer; ``None`` before the first.
    traded_at: datetime | None = None
    trade_keys: frozenset[str] | None = None
    #: The sequence of the newest of ``updates``.
    sequence: int = 0
    updates: deque[tuple[int, PriceUpdate]] = field(
        default_factory=lambda: deque(maxlen=UPDATES_KEPT_MAX)
    )

    def apply(self, updates: PriceUpdate) -> None:
        """Take in what is new; a quote only if no newer one is known."""
        match updates:
            case Quote():
                if self.quote is not None and updates.at <= self.quote.at:
                    return
                self.quote = updates
            case MarkPrice():
                self.marked_at = updates.at
            case PublicTrade():
                pass
        self.sequence += 1
        self.updates.append((self.sequence, updates))

    def new_trades(self, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Those that the last answer did not have; of the first answer none."""
        before, self.trade_keys = self.trade_keys, frozenset(map(trade_key, rows))
        return [] if before is None else [row for row in rows if trade_key(row) not in before]

    def add_trades(self, trades: Sequence[PublicTrade | None]) -> None:
        """Take in trades of others, the oldest first."""
        for each in sorted((one for one in trades if one is not None), key=lambda one: one.at):
            self.apply(each)

    def needs_detail(self, now: datetime) -> bool:
        """Whether book and trades are wished."""
        return (
            self.detail_requested_at is not None
            and now - self.detail_requested_at <= DETAIL_LIFETIME
        )
