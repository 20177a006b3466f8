"""The order of merges in a replay."""

from datetime import UTC, datetime

import pytest

from kit.databases.store_rows import a_position
from oms.domain.ledger.replay_steps import replay_steps

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("ids", [(10, 11, 12), (12, 11, 10), (11, 12, 10)])
def test_a_merge_into_a_position_precedes_the_merge_of_it(ids: tuple[int, int, int]) -> None:
    first, second, last = ids
    positions = [
        a_position(second, 1, merged_into=last, closed_at=AT),
        a_position(last, 1),
        a_position(first, 1, merged_into=second, closed_at=AT),
    ]
    assert [step.id for step in replay_steps([], positions)] == [first, second]  # type: ignore[union-attr]


def test_a_circle_of_merges_ends() -> None:
    positions = [a_position(i, 1, merged_into=j, closed_at=AT) for i, j in ((1, 2), (2, 1))]
    assert len(replay_steps([], positions)) == 2
