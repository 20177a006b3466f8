"""The symbols by which signals of an account are resolved."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from oms.domain.account import Account, Engine
from oms.domain.errors import NotFound
from oms.ports.registry import Registry
from oms.services.verify.account_instruments import AccountInstruments


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAccountSymbols:
    """``ports.market.account_symbols.AccountSymbols``.

    Of a paper account they are the gateway's table; of an account at a real exchange those of the
    table that its worker stored, and those that it has traded.
    """

    registry: Registry
    instruments: AccountInstruments
    saved: Callable[[Account], Awaitable[Collection[str]]]

    async def __call__(self, account_id: int) -> Collection[str]:
        """Return the symbols known of an account. Raises ``NotFound``, ``Unavailable``."""
        rows = await self.registry.accounts([account_id])
        if not rows:
            raise NotFound(f"account_id={account_id}", code="account_not_found")
        account = rows[0].account
        known = await self.instruments(account)
        if account.engine is Engine.PAPER:
            return known.keys()
        return {*known, *await self.saved(account)}
