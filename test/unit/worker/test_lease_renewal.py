"""When a worker renews its leases: after a tenth of their time."""

from collections.abc import Collection, Mapping, Sequence

import pytest

from kit.ledger.memory_account import MemoryIds
from oms.ports.leases import Lease
from oms.worker import leases as worker_leases
from oms.worker.leases import LeaseKeeper


class CountedLeases:
    """One account, and how often its lease was renewed."""

    def __init__(self) -> None:
        self.renewals = 0

    async def renew(self, owner: str, leases: Sequence[Lease], seconds: float) -> Sequence[int]:
        """Count the renewal; nothing is lost."""
        self.renewals += 1
        return ()

    async def credential_followers(self) -> Mapping[int, int]:
        """No account shares credentials."""
        return {}

    async def free(self, limit: int) -> Sequence[int]:
        """No account is free."""
        return ()

    async def counts(self) -> Mapping[str, int]:
        """The worker has the account."""
        return {"w": 1}

    async def release(self, owner: str, leases: Collection[Lease]) -> None:
        """Nothing is released."""
        raise AssertionError("no lease is given back")


@pytest.mark.parametrize(("seconds", "renewals"), [(5.0, 20), (60.0, 2), (120.0, 1)])
async def test_long_leases_are_renewed_less_often(
    monkeypatch: pytest.MonkeyPatch, seconds: float, renewals: int
) -> None:
    """Twenty rounds within ten seconds."""
    now = 1000.0
    monkeypatch.setattr(worker_leases.time, "monotonic", lambda: now)
    leases = CountedLeases()
    keeper = LeaseKeeper(owner="w", leases=leases, ids=MemoryIds(), seconds=seconds)  # type: ignore[arg-type]
    keeper.held[1] = Lease(account_id=1, token=1)
    for _ in range(20):
        await keeper.round(1)
        now += 0.5
    assert leases.renewals == renewals
