"""Keeping leases: take a fair share of the accounts, renew in time, give back what is too much.

The share is counted over the workers that told of themselves lately. Losing a lease is no error:
whoever works looks at ``held`` before each batch, and the fencing token stops whatever was still
on its way.

Accounts on the same credentials go together, so that one worker owns a key: with the lowest id of
them, the others are taken, above the share if need be, and given back.
"""

import logging
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from oms.ports.leases import Lease, Leases

logger = logging.getLogger(__name__)

ACQUIRE_MAX = 1000
"""Accounts taken by one transaction."""

HOUSEKEEPING_LEASE = 0
"""The account id whose lease is the right to do the chores."""


@dataclass(slots=True, kw_only=True)
class LeaseKeeper:
    """The leases of one worker."""

    owner: str
    leases: Leases
    seconds: float
    #: Only these accounts; empty means any.
    only: Collection[int] = ()
    held: dict[int, Lease] = field(default_factory=dict)

    async def round(self, alive_workers: int) -> list[Lease]:
        """Renew, give back, take; the leases that are new."""
        await self._renew()
        leads = await self.leases.credential_followers()
        await self._let_go([i for i in self.held if leads.get(i, i) not in self.held])
        free = await self.leases.free(ACQUIRE_MAX)
        others = await self.leases.counts()
        total = len(free) + sum(others.values())
        share = math.ceil(total / max(alive_workers, 1)) + 1
        await self._give_back(len(self.held) - share, leads)
        wanted = [i for i in free if not self.only or i in self.only]
        first = [i for i in wanted if i not in leads][: max(share - len(self.held), 0)]
        owned = {*self.held, *first}
        taken = await self._take([*first, *(i for i in wanted if leads.get(i) in owned)])
        if taken:
            logger.info("leases_taken count=%d held=%d", len(taken), len(self.held))
        return taken

    async def release_all(self) -> None:
        """Give everything back (a clean stop)."""
        held = list(self.held.values())
        self.held.clear()
        await self.leases.release(self.owner, held)

    def drop(self, account_id: int) -> None:
        """The account is another's now."""
        if self.held.pop(account_id, None) is not None:
            logger.warning("lease_lost account_id=%d", account_id)

    async def _renew(self) -> None:
        if not self.held:
            return
        held = list(self.held.values())
        for account_id in await self.leases.renew(self.owner, held, self.seconds):
            self.drop(account_id)

    async def _give_back(self, surplus: int, leads: Mapping[int, int]) -> None:
        # One above the fair share is kept: giving a single account to and fro helps nobody.
        if surplus <= 0:
            return
        groups: dict[int, list[int]] = {}
        for account_id in self.held:
            if account_id != HOUSEKEEPING_LEASE:
                groups.setdefault(leads.get(account_id, account_id), []).append(account_id)
        extra: list[int] = []
        for group in groups.values():
            if len(extra) + len(group) <= surplus:
                extra += group
        await self._let_go(extra)

    async def _let_go(self, account_ids: Sequence[int]) -> None:
        if account_ids:
            given = [self.held.pop(account_id) for account_id in account_ids]
            await self.leases.release(self.owner, given)

    async def _take(self, account_ids: list[int]) -> list[Lease]:
        if not account_ids:
            return []
        taken = await self.leases.acquire(self.owner, account_ids, self.seconds)
        self.held.update({lease.account_id: lease for lease in taken})
        return list(taken)
