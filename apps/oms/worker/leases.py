"""Account leases: take a fair share of the accounts, renew in time, give back the surplus.

The share is computed from the workers that sent a heartbeat lately. A lost lease is not an error:
callers check ``held`` before each batch, and the fencing token stops what was still in progress.

Accounts on the same credentials stay together, so that one worker owns a key: they follow the
account with the lowest id, if need be above the fair share.
"""

import logging
import math
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from oms.ports.ids import IdBlocks
from oms.ports.leases import Lease, Leases

logger = logging.getLogger(__name__)

ACQUIRE_MAX = 1000
"""Accounts taken by one transaction."""

RENEWALS_PER_LEASE = 10
"""A lease is renewed after this part of its time, so that longer leases cost fewer writes."""

HOUSEKEEPING_LEASE = 0
"""The account id whose lease assigns the housekeeping."""


@dataclass(slots=True, kw_only=True)
class LeaseKeeper:
    """The leases of one worker."""

    owner: str
    leases: Leases
    ids: IdBlocks
    seconds: float
    #: Only these accounts; empty means any.
    only: Collection[int] = ()
    held: dict[int, Lease] = field(default_factory=dict)
    #: Before this moment (monotonic clock) no lease is renewed.
    _renew_at: float = 0.0

    async def round(self, alive_workers: int) -> list[Lease]:
        """Renew, give back and take leases. Returns the new ones."""
        await self._renew()
        leader_of = await self.leases.credential_followers()
        await self._release([i for i in self.held if leader_of.get(i, i) not in self.held])
        free = await self.leases.free(ACQUIRE_MAX)
        counts = await self.leases.counts()
        total = len(free) + sum(counts.values())
        share = math.ceil(total / max(alive_workers, 1)) + 1
        await self._give_back(len(self.held) - share, leader_of)
        eligible = [i for i in free if not self.only or i in self.only]
        leaders = [i for i in eligible if i not in leader_of][: max(share - len(self.held), 0)]
        owned = {*self.held, *leaders}
        taken = await self._take([*leaders, *(i for i in eligible if leader_of.get(i) in owned)])
        if taken:
            logger.info("leases_taken count=%d held=%d", len(taken), len(self.held))
        return taken

    async def release_all(self) -> None:
        """Give everything back (a clean stop)."""
        held = list(self.held.values())
        self.held.clear()
        await self.leases.release(self.owner, held)

    def drop(self, account_id: int) -> None:
        """Forget a lost lease."""
        if self.held.pop(account_id, None) is not None:
            logger.warning("lease_lost account_id=%d", account_id)

    async def _renew(self) -> None:
        if not self.held or time.monotonic() < self._renew_at:
            return
        held = list(self.held.values())
        next_at = time.monotonic() + self.seconds / RENEWALS_PER_LEASE
        for account_id in await self.leases.renew(self.owner, held, self.seconds):
            self.drop(account_id)
        self._renew_at = next_at

    async def _give_back(self, surplus: int, leader_of: Mapping[int, int]) -> None:
        # One above the fair share is kept, or a single account would move to and fro.
        if surplus <= 0:
            return
        groups: dict[int, list[int]] = {}
        for account_id in self.held:
            if account_id != HOUSEKEEPING_LEASE:
                groups.setdefault(leader_of.get(account_id, account_id), []).append(account_id)
        surplus_ids: list[int] = []
        for group in groups.values():
            if len(surplus_ids) + len(group) <= surplus:
                surplus_ids += group
        await self._release(surplus_ids)

    async def _release(self, account_ids: Sequence[int]) -> None:
        if account_ids:
            released = [self.held.pop(account_id) for account_id in account_ids]
            await self.leases.release(self.owner, released)

    async def _take(self, account_ids: list[int]) -> list[Lease]:
        if not account_ids:
            return []
        taken = await self.leases.acquire(self.owner, account_ids, self.seconds)
        if taken:
            # The ids of an account increase: those of its last owner may be above the reserved.
            self.ids.renew()
        self.held.update({lease.account_id: lease for lease in taken})
        return list(taken)
