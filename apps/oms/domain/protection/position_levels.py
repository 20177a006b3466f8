"""Changes of the stop levels of an open position by a command."""

from decimal import Decimal

from oms.domain.commands.command import KEEP, ChangePosition, SendOrder
from oms.domain.errors import Refused
from oms.domain.instrument import Instrument
from oms.domain.ledger.position import Position
from oms.domain.protection.entry_levels import with_percent_levels
from oms.domain.protection.level_prices import (
    percent_prices,
    refuse_levels,
    refuse_percent,
)
from oms.domain.protection.levels import NO_LEVELS, SETTABLE, Levels, rearmed
from oms.domain.protection.targets import priced_targets, refuse_targets
from oms.domain.value import evolve

_PRICES = ("stop_loss", "stop_gain")


def changes_levels(request: ChangePosition) -> bool:
    """Return whether the command mentions a stop level."""
    return any(getattr(request, name) is not KEEP for name in (*_PRICES, *SETTABLE))


def with_changed_levels(
    position: Position, request: ChangePosition, instrument: Instrument
) -> Position:
    """Return the position with the levels of the command; ``None`` clears, ``KEEP`` keeps.

    A price replaces the percentage of the same level, a percentage the price. What the levels
    caused before is forgotten.
    """
    if not changes_levels(request):
        return position
    before = position.levels or NO_LEVELS
    levels: dict[str, object] = {}
    prices: dict[str, object] = {}
    for name in _PRICES:
        price, percent = getattr(request, name), getattr(request, f"{name}_pct")
        if percent is not KEEP:
            levels[f"{name}_pct"] = percent
            if percent is None and getattr(before, f"{name}_pct") is not None:
                prices[name] = None
        if price is not KEEP:
            prices[name] = price
            levels.setdefault(f"{name}_pct", None)
    for name in SETTABLE:
        if name not in ("stop_loss_pct", "stop_gain_pct") and getattr(request, name) is not KEEP:
            levels[name] = getattr(request, name)
    if levels.get("stop_trailing_pct") is not None:
        levels["stop_trailing_amount"] = None
    elif levels.get("stop_trailing_amount") is not None:
        levels["stop_trailing_pct"] = None
    if levels.get("targets") is not None:
        levels["stop_gain_pct"], prices["stop_gain"] = None, None
    elif prices.get("stop_gain") is not None or levels.get("stop_gain_pct") is not None:
        levels["targets"] = None
    after = evolve(before, **levels)
    if after.targets is None or not after.is_trailing:
        after = evolve(after, stop_trailing_from_target=None)
    if not after.is_trailing:
        after = evolve(after, stop_trailing_best=None, stop_trailing_activation_pct=None)
    return with_percent_levels(evolve(position, **prices, levels=rearmed(after)), instrument)


def requested_levels(request: SendOrder) -> Levels | None:
    """Return the levels beside the two prices that an order carries to its position."""
    if (
        request.stop_loss_pct is request.stop_gain_pct is None
        and request.stop_trailing_pct is request.stop_trailing_amount is None
        and request.max_hold_seconds is None
        and request.targets is None
    ):
        return None
    sent = {name: getattr(request, name) for name in SETTABLE}
    levels = {name: each for name, each in sent.items() if each is not None}
    return Levels(**levels)


def has_levels(request: SendOrder) -> bool:
    """Return whether an order carries stop levels."""
    has_price = request.stop_loss is not None or request.stop_gain is not None
    return has_price or requested_levels(request) is not None


def refuse_entry_levels(
    request: SendOrder, instrument: Instrument, base: Decimal | None
) -> Refused | None:
    """Refuse levels of an order that would close its position at once; ``base`` is its price."""
    levels = requested_levels(request)
    refused = refuse_percent(request.side, levels)
    if refused is not None or base is None:
        return refused
    start = base if levels is None else levels.tp_sl_base_price or base
    loss, gain = percent_prices(request.side, start, levels, instrument.tick)
    loss, targets = request.stop_loss or loss, None if levels is None else levels.targets
    targets = priced_targets(request.side, start, targets, instrument.tick)
    return refuse_levels(request.side, loss, request.stop_gain or gain, base) or refuse_targets(
        request.side, loss, targets, base
    )


def without_levels(position: Position) -> Position:
    """Return the position with all levels cleared."""
    before = position.levels
    levels = None if before is None else rearmed(Levels(arming=before.arming))
    return evolve(position, stop_loss=None, stop_gain=None, levels=levels)
