"""Status of a paper exchange: always reachable, with a description of its price sources.

Only live prices are read from elsewhere; a failure of them stops no cancel, deposit or read.
"""

from collections.abc import Sequence
from datetime import datetime

from oms.adapters.paper.market_data.price_sources import PriceSource, parse_price_source
from oms.adapters.paper.paper_engine import PaperEngine
from oms.domain.account import Account
from oms.domain.errors import Refused
from oms.ports.exchange import ConnectionState, ExchangeSnapshot, StalePrice


class ExchangeStatus:
    """Status methods of ``PaperExchange``."""

    _account: Account
    _engine: PaperEngine
    _stale: list[StalePrice]

    def on_committed(self) -> None:
        """Does nothing: a request is completed by its reply."""

    def sends_after_commit(self) -> bool:
        """Returns ``False``: requests are answered immediately, even if the reply is in flight."""
        return False

    def is_ready(self) -> bool:
        """Returns whether live prices are connected; ``True`` without them."""
        feed = self._engine.live.feed
        return feed is None or feed.is_ready()

    def unavailable_reason(self) -> Refused | None:
        """Returns ``None``: the exchange is always reachable, whatever becomes of its prices."""
        return None

    def connection(self) -> ConnectionState:
        """Returns the price sources, and which hosts live prices are read from."""
        account, feed = self._account, self._engine.live.feed
        return ConnectionState(
            engine=account.engine.value,
            environment=account.environment.value,
            hosts_called=() if feed is None else tuple(feed.hosts_called()),
            last_call_at=None if feed is None else feed.last_call_at(),
            prices=describe_price_sources(account),
            prices_unavailable=None if feed is None else feed.unavailable_reason(),
        )

    def take_stale_prices(self) -> Sequence[StalePrice]:
        """Returns symbols in use whose live price has become too old since the last call."""
        take_stale_prices, self._stale = self._stale, []
        return take_stale_prices

    def start_snapshot(self, since: datetime, until: datetime | None = None) -> None:
        """Does nothing: ``snapshot`` takes no time."""

    def take_snapshots(self) -> Sequence[ExchangeSnapshot]:
        """Returns nothing: there are no snapshots in the background."""
        return ()

    async def close(self) -> None:
        """Closes the live prices; nothing else runs in the background."""
        feed = self._engine.live.feed
        if feed is not None:
            await feed.close()


def describe_price_sources(account: Account) -> str:
    """Returns text such as ``paper, live binance; SOL/USDT manual``."""
    paper = account.paper
    per_symbol = [
        f"{symbol} {_describe_source(name, symbol, account)}"
        for symbol, name in sorted(paper.sources.items())
    ]
    return "; ".join([f"paper, {_describe_source(paper.source, None, account)}", *per_symbol])


def _describe_source(name: str, symbol: str | None, account: Account) -> str:
    source, replay = parse_price_source(name), account.paper.replay
    match source:
        case PriceSource.LIVE:
            return f"live {account.venue}"
        case PriceSource.REPLAY:
            files = replay.file if symbol is None else replay.files_of(symbol)
            return " ".join(["replay", *files])
        case _:
            return source.value
