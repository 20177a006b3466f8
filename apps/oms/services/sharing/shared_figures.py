"""What a share link shows: read with the rights that its key has at that moment.

A link ends with its key, the key's rights to one of its accounts, or its user. Figures are kept for
some seconds and read one after another: a reader may request them at any rate.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from oms.domain.access import Principal
from oms.domain.errors import Forbidden, NotFound
from oms.domain.ledger.position import Position
from oms.domain.performance.trade_statistics import TradeStatistics
from oms.domain.share_link import ShareLink, ShareStatus, ShareView
from oms.domain.value import value
from oms.ports.admin.share_links import ShareLinks
from oms.ports.clock import Clock
from oms.ports.history_reads import HistoryQuery
from oms.ports.mark_prices import MarkPrices, PositionMark
from oms.ports.registry import Registry
from oms.services.access.authenticate import hash_key
from oms.services.performance.equity_history import AccountCurve
from oms.services.performance.queries import PerformanceQueries
from oms.services.queries.ledger_queries import LedgerQueries

KEPT_SECONDS = 15.0
LINKS_KEPT_MAX = 200
POSITIONS_MAX = 200
TOKEN_CHARACTERS_MAX = 64


@value
class SharedFigures:
    """The figures of a link as of a moment; those of its view are set."""

    link: ShareLink
    as_of: datetime
    statistics: TradeStatistics | None = None
    curves: Sequence[AccountCurve] = ()
    positions: Sequence[Position] = ()
    marks: Mapping[int, PositionMark] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class ReadSharedFigures:
    """Returns what a token opens; every method raises ``Unavailable``."""

    store: ShareLinks
    registry: Registry
    performance: PerformanceQueries
    queries: LedgerQueries
    mark_prices: MarkPrices
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic
    #: By hash of the token, the oldest first.
    _kept: dict[str, tuple[float, SharedFigures]] = field(default_factory=dict)
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def __call__(self, token: str) -> SharedFigures:
        """Return the figures of the link with this token.

        Link and key are checked each time, the rights of the key when figures are read.

        Raises ``NotFound``, with one message for every link that cannot be opened.
        """
        if len(token) > TOKEN_CHARACTERS_MAX:
            raise _not_found()
        token_hash = hash_key(token)
        link = await self.store.of_token(token_hash)
        if link is None or link.status(self.clock.now()) is not ShareStatus.ACTIVE:
            raise _not_found()
        principal = await self.registry.principal_of(link.api_key_id, self.clock.now())
        if principal is None:
            raise _not_found()
        async with self._reading:
            read_at, figures = self._kept.get(token_hash, (0.0, None))
            if figures is not None and self.monotonic() - read_at < KEPT_SECONDS:
                return figures
            self.forget(token_hash)
            try:
                figures = await self.read(principal, link)
            except (NotFound, Forbidden):
                raise _not_found() from None
            self._kept[token_hash] = (self.monotonic(), figures)
            if len(self._kept) > LINKS_KEPT_MAX:
                del self._kept[next(iter(self._kept))]
            return figures

    def forget(self, token_hash: str) -> None:
        """Drop the figures that are kept of a link."""
        self._kept.pop(token_hash, None)

    async def read(self, principal: Principal, link: ShareLink) -> SharedFigures:
        """Return the figures that ``principal`` may read. Raises ``NotFound``, ``Forbidden``."""
        now = self.clock.now()
        window = HistoryQuery(
            account_ids=link.account_ids,
            strategy_id=link.strategy_id,
            since=link.since,
            with_total=False,
        )
        match link.view:
            case ShareView.STATS:
                whole, *_ = await self.performance.results(principal, window)
                return SharedFigures(link=link, as_of=now, statistics=whole.statistics)
            case ShareView.EQUITY:
                curves = await self.performance.equity.curves(principal, window, None)
                return SharedFigures(link=link, as_of=now, curves=curves)
            case ShareView.POSITIONS:
                held = await self.queries.open_positions(principal, window, POSITIONS_MAX)
                marks = await self.mark_prices(held)
                return SharedFigures(link=link, as_of=now, positions=held, marks=marks)


def _not_found() -> NotFound:
    return NotFound("there is no such link, or it has ended")
