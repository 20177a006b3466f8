"""A signal as its sender means it, before account, symbol and source are known."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from oms.domain.signals.signal import SignalAction, SignalKind
from oms.domain.value import value

FUTURE_MAX = timedelta(seconds=60)
"""How far the clock of a sender may be ahead."""


@value
class SignalMessage:
    """A parsed signal; at most one of ``qty``, ``notional`` and ``qty_pct`` is set."""

    kind: SignalKind
    #: As sent.
    symbol: str
    action: SignalAction
    #: The body as sent, without secrets.
    raw: Mapping[str, object]
    order_type: str = "market"
    #: Price of the alert; the limit price of a limit order.
    price: Decimal | None = None
    qty: Decimal | None = None
    notional: Decimal | None = None
    qty_pct: Decimal | None = None
    position_size: Decimal | None = None
    stop_loss: Decimal | None = None
    stop_gain: Decimal | None = None
    #: ``None``: those of the source.
    sl_pct: Decimal | None = None
    tp_pct: Decimal | None = None
    comment: str | None = None
    alert_id: str | None = None
    #: When the sender made it.
    sent_at: datetime | None = None
    #: Where the sender wants its order; a source decides otherwise.
    account_id: int | None = None
    strategy_id: int | None = None
    #: What makes two bounce signals the same one.
    identity: Mapping[str, object] | None = None

    @property
    def limit_price(self) -> Decimal | None:
        """The price of a limit order; ``None`` for a market order."""
        return self.price if self.order_type == "limit" else None

    @property
    def only_closes(self) -> bool:
        """Whether it leads to no position, whatever is held."""
        is_flat = self.action is SignalAction.POSITION_SIZE and self.position_size == 0
        return self.action is SignalAction.CLOSE or is_flat

    def is_stale(self, now: datetime, age_max_seconds: int) -> bool:
        """Return whether it is older than the source allows, or of the future; 0 allows all."""
        if not age_max_seconds or self.sent_at is None:
            return False
        age = now - self.sent_at
        return age > timedelta(seconds=age_max_seconds) or -age > FUTURE_MAX
