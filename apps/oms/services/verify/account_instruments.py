"""The instruments by which the books of an account are computed and checked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from oms.domain.account import Account, Engine
from oms.domain.instrument import Instrument
from oms.ports.verification_reads import VerificationReads


@dataclass(frozen=True, slots=True)
class AccountInstruments:
    """Returns instruments by symbol: of paper accounts the gateway's table, else the stored ones.

    An account at a real exchange is verified with the terms that its orders were booked with.
    """

    audit: VerificationReads
    paper_instruments: Callable[[Account], Mapping[str, Instrument]]

    async def __call__(self, account: Account) -> Mapping[str, Instrument]:
        """Return the instruments of an account. Raises ``Unavailable``."""
        if account.engine is Engine.PAPER:
            return self.paper_instruments(account)
        return await self.audit.account_instruments(account.id)
