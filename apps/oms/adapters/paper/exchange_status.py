"""How a paper exchange stands: it is always there, and says where its prices come from.

Only live prices are read from anywhere; what troubles them stops no cancel, no deposit, no read.
"""

from collections.abc import Sequence
from datetime import datetime

from oms.adapters.paper.market_data.price_sources import PriceSource, parse_price_source
from oms.adapters.paper.paper_engine import PaperEngine
from oms.domain.account import Account
from oms.domain.errors import Refused
from oms.ports.exchange import ConnectionState, ExchangeSnapshot, StalePrice


class ExchangeStatus:
    """A part of ``PaperExchange``."""

    _account: Account
    _engine: PaperEngine
    _stale: list[StalePrice]

    def on_committed(self) -> None:
        """Nothing waits for it: what it did is done by the answer."""

    def sends_after_commit(self) -> bool:
        """No: it answers at once, even that an answer is on its way."""
        return False

    def is_ready(self) -> bool:
        """From the beginning, but where live prices are only being connected."""
        feed = self._engine.live.feed
        return feed is None or feed.is_ready()

    def unavailable_reason(self) -> Refused | None:
        """It can always be reached, whatever becomes of its prices."""
        return None

    def connection(self) -> ConnectionState:
        """Where prices come from; nothing but live ones is called."""
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
        """Symbols in use whose live price has become too old, told since the last call."""
        take_stale_prices, self._stale = self._stale, []
        return take_stale_prices

    def start_snapshot(self, since: datetime, until: datetime | None = None) -> None:
        """Nothing to begin: ``snapshot`` takes no time."""

    def take_snapshots(self) -> Sequence[ExchangeSnapshot]:
        """Nothing is read by itself."""
        return ()

    async def close(self) -> None:
        """Let go of live prices; nothing else goes on by itself."""
        feed = self._engine.live.feed
        if feed is not None:
            await feed.close()


def describe_price_sources(account: Account) -> str:
    """As ``paper, live binance; SOL/USDT manual``."""
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
