"""Reads the balances of an account, at intervals and after executions, for its worker to store.

Where contracts are traded, balances are read only of venues whose wallets are known
(``venues.wallets``): of any other one cash cannot be separated from unrealized profit.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from oms.adapters.ccxt.client.exchange_client import ExchangeClient
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.parsing.wallets import add_wallets, parse_wallet
from oms.adapters.ccxt.timings import Timings
from oms.adapters.ccxt.venues.account_sections import AccountSection, list_sections
from oms.adapters.ccxt.venues.profile import VenueProfile
from oms.domain.performance.balances import READ_INTERVAL, Balance, Balances

_log = logging.getLogger("oms.ccxt")


class WalletReader:
    """The balances of one account; ``take`` returns those that are not stored yet."""

    def __init__(
        self,
        client: ExchangeClient,
        profile: VenueProfile,
        clock: Callable[[], datetime],
        timings: Timings,
        on_update: Callable[[], None],
    ) -> None:
        self._client = client
        self._profile = profile
        self._clock = clock
        self._timings = timings
        self._on_update = on_update
        self._unsaved: Balances | None = None
        self._is_due = asyncio.Event()
        self._has_failed = False

    def read_soon(self) -> None:
        """Read soon: something was executed or paid."""
        self._is_due.set()

    async def run(self) -> None:
        """Read until canceled. A failure leaves the balances as they are: they become too old."""
        while True:
            self._is_due.clear()
            await self._read()
            await asyncio.sleep(self._timings.balance_pause_seconds)
            try:
                async with asyncio.timeout(READ_INTERVAL.total_seconds()):
                    await self._is_due.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(self._timings.balance_delay_seconds)

    def has_unsaved(self) -> bool:
        """Returns whether there are balances to store."""
        return self._unsaved is not None

    def take(self) -> Balances | None:
        """Returns the balances to store, if there are any."""
        unsaved, self._unsaved = self._unsaved, None
        return unsaved

    async def _read(self) -> None:
        as_of = self._clock()  # What is executed during the read is not certain to be in it.
        try:
            amounts = await self._read_wallets()
        except ReadFailed as failed:
            if not self._has_failed:
                _log.warning("no balances: %s", failed.message)
            self._has_failed = True
            return
        self._has_failed = False
        if amounts is not None:
            self._unsaved = Balances(amounts=amounts, as_of=as_of)
            self._on_update()

    async def _read_wallets(self) -> dict[str, Balance] | None:
        """Returns the sums of all wallets; ``None`` unless all of them are known."""
        layout, wallets = self._profile.wallets, list[dict[str, Balance]]()
        sections = list_sections(self._profile, self._client.instruments)
        if layout is None and any(section.has_positions for section in sections):
            return None
        for section in self._wallet_sections(sections):
            params = self._profile.request_params("fetch_balance", section.kind, section.params)
            response = await self._client.read("fetch_balance", params)
            wallet = parse_wallet(response, section.kind, layout)
            if wallet is None:
                return None
            wallets.append(wallet)
        return add_wallets(wallets) or None

    def _wallet_sections(self, sections: list[AccountSection]) -> list[AccountSection]:
        """Returns the first section of each wallet."""
        layout = self._profile.wallets
        separate = frozenset() if layout is None else layout.separate_kinds
        first = {
            section.kind if section.kind in separate else None: section
            for section in reversed(sections)
        }
        return list(first.values())
