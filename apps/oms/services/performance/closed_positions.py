"""Closed positions of a window, up to as many as one request may read."""

from collections.abc import Sequence

from oms.domain.errors import Invalid
from oms.ports.history_reads import HistoryQuery
from oms.ports.performance.position_results import PositionResult, PositionResults

POSITIONS_MAX = 100_000
"""Positions of one request."""


async def read_closed(
    results: PositionResults, window: HistoryQuery, *, advice: str, with_sources: bool = False
) -> Sequence[PositionResult]:
    """Return closed positions.

    Raises ``Unavailable``, and ``Invalid`` (``too_many_positions``) with the advice.
    """
    found = await results.closed(window, POSITIONS_MAX + 1, with_sources=with_sources)
    if len(found) > POSITIONS_MAX:
        message = f"more than {POSITIONS_MAX} closed positions: {advice}"
        raise Invalid(message, reason="too_many_positions")
    return found
