"""Closed positions of one request are limited."""

from typing import Any, cast

import pytest

from oms.domain.errors import Invalid
from oms.ports.history_reads import HistoryQuery
from oms.ports.performance.position_results import PositionResults
from oms.services.performance import closed_positions
from oms.services.performance.closed_positions import read_closed

WINDOW = HistoryQuery(account_ids=[1], with_total=False)


class StoredResults:
    """As many closed positions as it is built with."""

    def __init__(self, count: int) -> None:
        self._count = count

    async def closed(self, _: HistoryQuery, limit: int, *, with_sources: bool) -> list[Any]:
        """Return the positions, at most ``limit``."""
        return [with_sources] * min(self._count, limit)


async def test_more_than_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closed_positions, "POSITIONS_MAX", 2)
    for with_sources in (False, True):
        results = cast(PositionResults, StoredResults(2))
        rows = await read_closed(results, WINDOW, advice="-", with_sources=with_sources)
        assert [*rows] == [with_sources] * 2
    with pytest.raises(Invalid, match="more than 2 closed positions: choose less") as refused:
        await read_closed(cast(PositionResults, StoredResults(3)), WINDOW, advice="choose less")
    assert refused.value.reason == "too_many_positions"
