"""Which decisions can be executed, given what is held when the candle closes."""

from collections.abc import Mapping, Sequence

from oms.strategies.strategy import Action, Decision, PositionSide

EXIT_OF: Mapping[Action, PositionSide] = {
    Action.LONG_EXIT: PositionSide.LONG,
    Action.SHORT_EXIT: PositionSide.SHORT,
}
ENTERED: Mapping[Action, PositionSide] = {
    Action.LONG: PositionSide.LONG,
    Action.SHORT: PositionSide.SHORT,
}


def executable_decisions(
    decisions: Sequence[Decision], side: PositionSide, *, allow_short: bool
) -> Sequence[Decision]:
    """Return exits of the side that is held, and entries from flat or after such an exit.

    Short entries are left out where they are not allowed.
    """
    if not decisions:
        return ()
    kept = list[Decision]()
    for decision in decisions:
        if decision.action.is_exit:
            if side is EXIT_OF[decision.action]:
                kept.append(decision)
                side = PositionSide.FLAT
        elif side is PositionSide.FLAT and (decision.action is Action.LONG or allow_short):
            kept.append(decision)
            side = ENTERED[decision.action]
    return kept
