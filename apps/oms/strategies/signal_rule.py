"""Decisions from one signal per candle: 1, -1 or 0."""

from collections.abc import Sequence

from oms.strategies.strategy import Action, Decision, PositionSide


def decide_by_signal(signal: int, side: PositionSide) -> Sequence[Decision]:
    """Return what a signal means: 1 is long, -1 ends a long position and is short, 0 is nothing.

    An opposite position is closed first, and there is no entry on the side that is held. Where
    shorts are not allowed, the executor leaves them out.
    """
    if signal > 0:
        entry, held, leave = Action.LONG, PositionSide.LONG, Action.SHORT_EXIT
    elif signal < 0:
        entry, held, leave = Action.SHORT, PositionSide.SHORT, Action.LONG_EXIT
    else:
        return ()
    if side is held:
        return ()
    if side is PositionSide.FLAT:
        return (Decision(action=entry),)
    return Decision(action=leave), Decision(action=entry)
