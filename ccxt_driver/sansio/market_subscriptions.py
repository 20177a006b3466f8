"""Subscriptions to market data that the gateway pushes: the newest data of each channel.

If the gateway refuses a subscription, ``is_refused`` is set and the caller reads over HTTP
instead. What is pushed stops with the last subscription of a channel. No I/O.
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
    """One channel of one symbol; ``kind`` is what it is watched as."""

    number: int
    kind: str
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
        return _frame(str(self.number), "subscribe_market", payload)

    def end_request(self) -> dict[str, Any]:
        """Returns the frame that ends the channel of the symbol."""
        payload = {
            "account_id": self.account_id,
            "symbol": self.symbol,
            "channels": [self.channel],
        }
        return _frame(f"{self.number}-end", "unsubscribe_market", payload)

    def accepts(self, payload: Mapping[str, Any]) -> bool:
        """Whether pushed data of its channel and symbol are of its timeframe as well."""
        pushed = payload.get("timeframe")
        return pushed is None or pushed == self.options.get("timeframe", pushed)

    def take_data(self) -> Any:
        """Returns the newest data once; then ``None`` until there is newer data."""
        data, self.data = self.data, None
        return data


@dataclass(slots=True, kw_only=True)
class MarketSubscriptions:
    """All market data subscriptions of an exchange object."""

    account_id: int
    _subscriptions: dict[object, MarketSubscription] = field(default_factory=dict)
    _count: int = 0

    def get_or_create(
        self, channel: str, symbol: str, options: Mapping[str, Any], kind: str | None = None
    ) -> tuple[MarketSubscription, bool]:
        """Returns the subscription of a channel, and whether it is a new one."""
        kind = kind or channel
        key = (kind, symbol.upper(), tuple(sorted(options.items())))
        existing = self._subscriptions.get(key)
        if existing is not None:
            return existing, False
        self._count += 1
        created = MarketSubscription(
            number=self._count,
            kind=kind,
            account_id=self.account_id,
            channel=channel,
            symbol=symbol,
            options=dict(options),
        )
        self._subscriptions[key] = created
        return created, True

    def remove(
        self, kind: str, symbol: str | None = None, timeframe: str | None = None
    ) -> list[dict[str, Any]]:
        """Removes the subscriptions of a kind, symbol and timeframe, ``None`` for any.

        Returns the frames that end them at the gateway. It ends a channel of a symbol in all
        timeframes, so that subscriptions which stay are requested again.
        """
        removed = {
            key: each
            for key, each in self._subscriptions.items()
            if each.kind == kind
            and (symbol is None or each.symbol.upper() == symbol.upper())
            and (timeframe is None or each.options.get("timeframe") == timeframe)
        }
        for key in removed:
            del self._subscriptions[key]
        frames: list[dict[str, Any]] = []
        ended = {(each.channel, each.symbol.upper()): each for each in removed.values()}
        for place, subscription in ended.items():
            frames.append(subscription.end_request())
            rest = [each for each in self.active() if (each.channel, each.symbol.upper()) == place]
            frames += [each.request() for each in rest]
        return frames

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
            is_same = (subscription.channel, subscription.symbol.upper()) == (channel, symbol)
            if is_same and subscription.accepts(payload):
                subscription.data = payload.get("data")
        return True


def _frame(number: str, action: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": f"market-{number}", "namespace": "ccxt", "action": action, "payload": payload}
