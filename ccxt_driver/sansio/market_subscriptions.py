"""Market data as the gateway pushes it: of each channel the newest, each told once.

A gateway that does not know the subscription says so, and the feed is *refused*: the caller asks
over HTTP then. Nothing is sent from here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

#: The channel's name on the wire, by what pushes are called.
_CHANNELS = {
    "ticker_updated": "ticker",
    "orderbook_updated": "orderbook",
    "trades_updated": "trades",
    "ohlcv_updated": "ohlcv",
}


@dataclass(slots=True, kw_only=True, eq=False)
class MarketSubscription:
    """One channel of one symbol."""

    number: int
    account_id: int
    channel: str
    symbol: str
    options: Mapping[str, Any]
    #: The newest data that was not taken yet.
    data: Any = None
    is_refused: bool = False

    def request(self) -> dict[str, Any]:
        """The frame that asks for it."""
        payload = {
            "account_id": self.account_id,
            "symbol": self.symbol,
            "channels": [self.channel],
            **self.options,
        }
        return {
            "id": f"market-{self.number}",
            "namespace": "ccxt",
            "action": "subscribe_market",
            "payload": payload,
        }

    def taken(self) -> Any:
        """The newest data, once."""
        data, self.data = self.data, None
        return data


@dataclass(slots=True, kw_only=True)
class MarketSubscriptions:
    """All market data that an exchange object has asked for."""

    account_id: int
    _feeds: dict[object, MarketSubscription] = field(default_factory=dict)

    def feed(
        self, channel: str, symbol: str, options: Mapping[str, Any]
    ) -> tuple[MarketSubscription, bool]:
        """The feed of a channel; and whether nobody asked for it before."""
        key = (channel, symbol.upper(), tuple(sorted(options.items())))
        found = self._feeds.get(key)
        if found is not None:
            return found, False
        made = MarketSubscription(
            number=len(self._feeds) + 1,
            account_id=self.account_id,
            channel=channel,
            symbol=symbol,
            options=dict(options),
        )
        self._feeds[key] = made
        return made, True

    def all(self) -> Iterable[MarketSubscription]:
        """The feeds that were not refused."""
        return [feed for feed in self._feeds.values() if not feed.is_refused]

    def take(self, frame: Mapping[str, Any]) -> bool:
        """Take in a frame; whether it was about market data."""
        number = str(frame.get("id")).removeprefix("market-")
        if number != str(frame.get("id")):
            for feed in self._feeds.values():
                feed.is_refused |= str(feed.number) == number and frame.get("ok") is False
            return True
        channel, payload = _CHANNELS.get(str(frame.get("event"))), frame.get("payload")
        if channel is None or not isinstance(payload, Mapping):
            return False
        symbol = str(payload.get("symbol")).upper()
        for feed in self._feeds.values():
            if (feed.channel, feed.symbol.upper()) == (channel, symbol):
                feed.data = payload.get("data")
        return True
