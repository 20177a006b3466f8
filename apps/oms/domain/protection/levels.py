"""Stop levels of an order or a position, beside the prices ``stop_loss`` and ``stop_gain``.

The two prices are what the watcher compares with the market. Percentages give them, a trailing stop
moves with the market, and a position may be held for a limited time. An order carries levels to the
position that it opens or adds to.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from oms.domain.value import evolve, value


class StopKind(StrEnum):
    """Why stop levels close a position: the reason of the order, the deal and the position."""

    GAIN = "tp"
    LOSS = "sl"
    TRAILING = "trailing"
    TIMEOUT = "timeout"


@value
class PendingClose:
    """A close that stop levels caused, until the position is closed."""

    kind: StopKind
    #: The system command that closes; ``None`` while the next attempt waits for ``retry_at``.
    command_id: int | None
    #: How many attempts failed.
    failures: int = 0
    retry_at: datetime | None = None
    #: Of a target: ``qty_closed`` of the position at which its share is closed. ``None``: all.
    closed_until: Decimal | None = None


@value
class Target:
    """One of several take-profit levels: a price, or a percentage that gives it, and its share."""

    #: Percent of the position, with the shares of targets that were reached before.
    qty_pct: Decimal
    price: Decimal | None = None
    pct: Decimal | None = None
    is_reached: bool = False


class NativeState(StrEnum):
    """What is known of an order at the exchange that stands for a level."""

    #: Its command is queued, or it is on its way, or it is being canceled.
    PLACING = "placing"
    #: It rests at the exchange, with the level and the size of the position.
    RESTING = "resting"
    #: The level or the size has changed since.
    OUTDATED = "outdated"
    #: It was refused, or it ended while the position is open.
    FAILED = "failed"


@value
class NativeOrder:
    """An order at the exchange for one level of a position, as it was requested."""

    kind: StopKind
    #: The system command that places it; 0: none was made.
    command_id: int
    #: The price of the level, or the distance of the trailing stop.
    level: Decimal
    qty: Decimal
    state: NativeState = NativeState.PLACING
    #: ``None`` until it was seen.
    order_id: int | None = None
    #: Its trigger price when it was first seen: the level at the grid of the exchange.
    trigger: Decimal | None = None
    #: Of a trailing stop: the best price when it was placed. The exchange knows no earlier one, so
    #: it stands for the level from the next better price on.
    best: Decimal | None = None


@value
class Levels:
    """Stop levels; percentages are 0..100."""

    stop_loss_pct: Decimal | None = None
    stop_gain_pct: Decimal | None = None
    #: Distance of the trailing stop from the best price, in percent or as a price difference.
    stop_trailing_pct: Decimal | None = None
    stop_trailing_amount: Decimal | None = None
    #: Profit in percent of the average price at which the trailing stop becomes active.
    stop_trailing_activation_pct: Decimal | None = None
    #: Best price since the trailing stop became active.
    stop_trailing_best: Decimal | None = None
    max_hold_seconds: int | None = None
    #: Take-profit levels that each close a share; in place of ``stop_gain``.
    targets: tuple[Target, ...] | None = None
    #: The trailing stop is active from the time on when so many targets were reached.
    stop_trailing_from_target: int | None = None
    #: Price that percentages count from; ``None``: the average price.
    tp_sl_base_price: Decimal | None = None
    #: Counts changes of the levels and closes that failed; names the system command of a close.
    arming: int = 0
    pending_close: PendingClose | None = None
    #: Orders at the exchange for ``stop_loss`` and ``stop_gain``, at most one each.
    native: tuple[NativeOrder, ...] = ()

    @property
    def is_trailing(self) -> bool:
        """Return whether the stop loss follows the market."""
        return self.trailing_distance is not None

    @property
    def trailing_distance(self) -> Decimal | None:
        """Return the distance of the trailing stop, in percent or as a price difference."""
        return (
            self.stop_trailing_amount if self.stop_trailing_pct is None else self.stop_trailing_pct
        )

    @property
    def acts(self) -> bool:
        """Return whether there is anything to watch beside the two prices."""
        return (
            self.is_trailing
            or self.max_hold_seconds is not None
            or self.pending_close is not None
            or self.has_open_target
        )

    @property
    def has_open_target(self) -> bool:
        """Return whether a target was not reached yet."""
        return self.targets is not None and not all(each.is_reached for each in self.targets)


#: Fields of ``Levels`` that commands set, by the same name.
SETTABLE = (
    "stop_loss_pct",
    "stop_gain_pct",
    "stop_trailing_pct",
    "stop_trailing_amount",
    "stop_trailing_activation_pct",
    "max_hold_seconds",
    "targets",
    "stop_trailing_from_target",
    "tp_sl_base_price",
)
NO_LEVELS = Levels()


def rearmed(levels: Levels | None) -> Levels:
    """Return changed levels: what they caused or failed to do before is forgotten."""
    before = levels or NO_LEVELS
    native = tuple(each for each in before.native if each.state is not NativeState.FAILED)
    return evolve(before, arming=before.arming + 1, pending_close=None, native=native)
