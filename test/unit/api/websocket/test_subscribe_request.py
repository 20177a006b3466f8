"""Subscribe payloads: validation, and positions of resumed accounts."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from oms.api.websocket.subscribe_request import SubscribeRequest, read_subscribe, resume_positions
from oms.domain.errors import Invalid
from oms.ports.history_reads import HistoryReads

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_defaults() -> None:
    request = read_subscribe({"account_ids": [3, "4", "x", -1, 3, None, True]})
    assert request == SubscribeRequest(
        account_ids=(3, 4), namespaces=frozenset({"position", "ccxt"}), refresh=True
    )
    assert request.with_snapshot and not request.marks


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        (["risk", "nonsense"], {"risk"}),
        (["nonsense", 1], {"position"}),
        ([], {"position"}),
        ("COMMAND, market", {"command", "market"}),
    ],
)
def test_namespaces(asked: object, read: set[str]) -> None:
    assert read_subscribe({"account_ids": [1], "namespaces": asked}).namespaces == read


def test_resumed_subscription_has_no_refresh() -> None:
    request = read_subscribe({"account_ids": [1], "from_seq": {"1": "9", "2": 0}, "refresh": True})
    assert request.from_seq == {1: 9, 2: 0}
    assert not request.refresh
    assert not read_subscribe({"account_ids": [1], "from_event_id": 5}).refresh


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({}, "missing_account_ids"),
        ({"account_ids": "a,b"}, "missing_account_ids"),
        ({"account_ids": list(range(1, 1002))}, "validation_error"),
        ({"account_ids": [1], "from_seq": {"x": 1}}, "validation_error"),
        ({"account_ids": [1], "from_seq": {"1": -1}}, "validation_error"),
        ({"account_ids": [1], "from_seq": 4}, "validation_error"),
        ({"account_ids": [1], "from_event_id": "x"}, "validation_error"),
        ({"account_ids": [1], "with_snapshot": "yes"}, "validation_error"),
        ({"account_ids": [1], "marks": 1}, "validation_error"),
        ({"account_ids": [1], "heartbeat_ms": 1.5}, "validation_error"),
    ],
)
def test_invalid_payloads_are_refused(payload: dict[str, object], code: str) -> None:
    with pytest.raises(Invalid) as wrong:
        read_subscribe(payload)
    assert wrong.value.code == code


@pytest.mark.parametrize(("asked", "given"), [(1, 1000), (5000, 5000), (10**6, 60_000)])
def test_heartbeats_are_clamped(asked: int, given: int) -> None:
    assert read_subscribe({"account_ids": [1], "heartbeat_ms": asked}).heartbeat_ms == given


class _History:
    """Has event 50: number 5 of account 1, stored at noon."""

    async def locate_event(self, event_id: int) -> tuple[int, int, datetime] | None:
        return (1, 5, NOON) if event_id == 50 else None

    async def event_seqs_before(self, account_ids: list[int], moment: datetime) -> dict[int, int]:
        assert moment == NOON - timedelta(seconds=5)
        return dict.fromkeys(account_ids, 2)


@pytest.mark.parametrize(
    ("payload", "after"),
    [
        ({}, {}),
        ({"from_seq": {"2": 7, "9": 1}}, {2: 7}),
        ({"from_event_id": 50}, {1: 5, 2: 2}),
        ({"from_event_id": 50, "from_seq": {"1": 6}}, {1: 6, 2: 2}),
        ({"from_event_id": 51}, {1: 0, 2: 0}),
    ],
)
async def test_resume_positions_of_accounts(payload: dict[str, Any], after: dict[int, int]) -> None:
    request = read_subscribe({"account_ids": [1, 2]} | payload)
    assert await resume_positions(cast(HistoryReads, _History()), request, [1, 2]) == after
