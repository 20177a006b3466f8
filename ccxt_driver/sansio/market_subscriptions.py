"""Subscriptions to market data that the gateway pushes: the newest data of each channel.

If the gateway refuses a subscription, ``is_refused`` is set and the caller reads over HTTP
instead. No I/O.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

#: Event name of a push, and its channel.
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
        """Returns the frame that subscribes."""
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

    def take_data(self) -> Any:
        """Returns the newest data once; then ``None`` until there is newer data."""
        data, self.data = self.data, None
        return data


@dataclass(slots=True, kw_only=True)
class MarketSubscriptions:
    """All market data subscriptions of an exchange object."""

    account_id: int
    _subscriptions: dict[object, MarketSubscription] = field(default_factory=dict)

    def get_or_create(
        self, channel: str, symbol: str, options: Mapping[str, Any]
    ) -> tuple[MarketSubscription, bool]:
        """Returns the subscription of a channel, and whether it is a new one."""
        key = (channel, symbol.upper(), tuple(sorted(options.items())))
        existing = self._subscriptions.get(key)
        if existing is not None:
            return existing, False
        created = MarketSubscription(
            number=len(self._subscriptions) + 1,
            account_id=self.account_id,
            channel=channel,
            symbol=symbol,
            options=dict(options),
        )
        self._subscriptions[key] = created
        return created, True

    def active(self) -> Iterable[MarketSubscription]:
        """Returns the subscriptions that were not refused."""
        return [each for each in self._subscriptions.values() if not each.is_refused]

    def apply_frame(self, frame: Mapping[str, Any]) -> bool:
        """Applies a frame; returns whether it was about market data."""
        frame_id = str(frame.get("id"))
        number = frame_id.removeprefix("market-")
        if number != frame_id:
            for subscription in self._subscriptions.values():
                is_reply = str(subscription.number) == number
                subscription.is_refused |= is_reply and frame.get("ok") is False
            return True
        channel, payload = _CHANNELS.get(str(frame.get("event"))), frame.get("payload")
        if channel is None or not isinstance(payload, Mapping):
            return False
        symbol = str(payload.get("symbol")).upper()
        for subscription in self._subscriptions.values():
            if (subscription.channel, subscription.symbol.upper()) == (channel, symbol):
                subscription.data = payload.get("data")
        return True
