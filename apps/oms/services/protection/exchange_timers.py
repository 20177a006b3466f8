"""Keeps timers of exchanges behind dead-man switches: set, renewed by beats, switched off.

A timer is a second net: nothing waits for it, and what fails is shown and tried again. It cancels
all orders of the account at the exchange. So it runs only for an account that is alone on its
credentials, and only while no order rests there that reduces a position.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from oms.domain.account import Account
from oms.domain.errors import OmsError
from oms.domain.risk.deadman import DeadmanSwitch
from oms.domain.risk.exchange_timer import (
    ExchangeTimer,
    first_to_end,
    is_too_long,
    names_account,
    timer_seconds,
)
from oms.domain.value import evolve, value
from oms.ports.admin.deadman_switches import DeadmanStore
from oms.ports.admin.sealed_credentials import SealedCredentialsStore
from oms.ports.clock import Clock
from oms.services.account_state.state import AccountState
from oms.task_cancellation import cancel_all

logger = logging.getLogger(__name__)

SWITCHES_MAX = 500
ROUND_SECONDS = 1.0
RETRY = timedelta(seconds=5)
ALL_SYMBOLS = ""

HOLDS_EXITS = "holds_exits"
TIMEOUT_TOO_LONG = "timeout_too_long"
CREDENTIALS_SHARED = "credentials_shared"
NO_ORDERS = "no_orders"


@value
class TimerTerms:
    """The timer of an exchange."""

    #: How many seconds it may count.
    seconds: range
    #: Returns the method that sets it, and its arguments, for seconds (0: off) and a symbol.
    call: Callable[[int, str], tuple[str, Sequence[object]]]
    #: Returns whether a symbol has a timer of its own; ``None``: there is one for all orders.
    is_timed: Callable[[str], bool] | None = None

    def symbols_of(self, state: AccountState) -> frozenset[str]:
        """Return the symbols to set it for: those with open orders, or the one that means all."""
        if self.is_timed is None:
            return frozenset({ALL_SYMBOLS})
        symbols = {order.symbol for order in state.orders.values()}
        return frozenset(filter(self.is_timed, symbols))


@dataclass(slots=True, kw_only=True)
class KeepExchangeTimers:
    """Looks at the loaded accounts of a worker, each second."""

    switches: DeadmanStore
    credentials: SealedCredentialsStore
    #: Returns the timer that the exchange of an account has; ``None``: it has none.
    terms_of: Callable[[Account], TimerTerms | None]
    clock: Clock
    timers: dict[int, ExchangeTimer] = field(default_factory=dict)
    _looks: dict[int, "asyncio.Task[None]"] = field(default_factory=dict)
    #: When an account is tried again after a failure.
    _retry_at: dict[int, datetime] = field(default_factory=dict)

    async def __call__(self, states: Mapping[int, AccountState]) -> None:
        """Set the timers that have to change; a slow exchange delays no other.

        Raises ``Unavailable``.
        """
        held = {i: each for i, each in states.items() if self.terms_of(each.account) is not None}
        for account_id in self.timers.keys() - held.keys():
            del self.timers[account_id]
        if held:
            switches = await self.switches.all(is_active=True, limit=SWITCHES_MAX)
            for account_id, state in held.items():
                if account_id not in self._looks and state.exchange.is_ready():
                    self._looks[account_id] = asyncio.create_task(self._follow(state, switches))
        if self._looks:
            await asyncio.wait(self._looks.values(), timeout=ROUND_SECONDS)
        for account_id in [i for i, look in self._looks.items() if look.done()]:
            await self._looks.pop(account_id)

    async def close(self) -> None:
        """End the requests in progress; timers run on, for the next owner of the accounts."""
        await cancel_all(self._looks.values())
        self._looks.clear()

    async def _follow(self, state: AccountState, switches: Sequence[DeadmanSwitch]) -> None:
        account_id, now = state.account.id, self.clock.now()
        if now < self._retry_at.get(account_id, now):
            return
        terms = self.terms_of(state.account)
        switch = first_to_end(switches, account_id)
        assert terms is not None, "only accounts with a timer are looked at"
        symbols = terms.symbols_of(state)
        reason = None if switch is None else await self._reason_against(state, switch, terms)
        if switch is None or reason is not None:
            await self._switch_off(state, terms, reason, now)
            return
        known = self.timers.get(account_id, ExchangeTimer(account_id=account_id))
        is_complete = symbols <= known.symbols
        needed = timer_seconds(switch, terms.seconds, now, known.until if is_complete else None)
        if needed is not None:
            await self._set(state, terms, needed, symbols | known.symbols, now)

    async def _reason_against(
        self, state: AccountState, switch: DeadmanSwitch, terms: TimerTerms
    ) -> str | None:
        """Return why no timer may run behind the switch."""
        if any(order.reduce_only for order in state.orders.values()):
            return HOLDS_EXITS
        if not terms.symbols_of(state):
            return NO_ORDERS
        if is_too_long(switch, terms.seconds):
            return TIMEOUT_TOO_LONG
        if await self.credentials.is_key_shared(state.account.id):
            return CREDENTIALS_SHARED
        return None

    async def _switch_off(
        self, state: AccountState, terms: TimerTerms, reason: str | None, now: datetime
    ) -> None:
        """Switch a timer off that runs, or that a worker before may have left."""
        account_id = state.account.id
        known = self.timers.get(account_id)
        may_run = known.until is not None if known is not None else False
        symbols = terms.symbols_of(state) if known is None else known.symbols
        if known is None:
            may_run = await self._may_have_one(account_id, terms.seconds, now)
        if not may_run or await self._set(state, terms, 0, symbols, now):
            self.timers[account_id] = ExchangeTimer(account_id=account_id, reason=reason)

    async def _may_have_one(self, account_id: int, seconds: range, now: datetime) -> bool:
        """Return whether a switch over the account was armed within the time of a timer."""
        since = now - 2 * timedelta(seconds=seconds.stop)
        switches = await self.switches.all(is_active=False, limit=SWITCHES_MAX)
        return any(
            names_account(each, account_id)
            and max(filter(None, (each.beat_at, each.fired_at, each.disarmed_at))) > since
            for each in switches
        )

    async def _set(
        self,
        state: AccountState,
        terms: TimerTerms,
        seconds: int,
        symbols: frozenset[str],
        now: datetime,
    ) -> bool:
        """Set the timers of the symbols, 0 switches them off; returns whether the exchange did."""
        account_id, code = state.account.id, None
        for symbol in sorted(symbols):
            code = await _call(state, terms.call(seconds, symbol), now)
            if code is not None:
                break
        known = self.timers.get(account_id, ExchangeTimer(account_id=account_id))
        if code is None:
            until = now + timedelta(seconds=seconds) if seconds else None
            self.timers[account_id] = ExchangeTimer(
                account_id=account_id, until=until, symbols=symbols if seconds else frozenset()
            )
            self._retry_at.pop(account_id, None)
            return True
        if known.reason != code:
            logger.warning("exchange_timer_failed account_id=%d code=%s", account_id, code)
        # A request whose outcome is unknown may have set it: it is switched off, or set again.
        until = now if known.until is None and code == "outcome_unknown" else known.until
        self.timers[account_id] = evolve(
            known, until=until, reason=code, symbols=symbols | known.symbols
        )
        self._retry_at[account_id] = now + RETRY
        return False


async def _call(
    state: AccountState, call: tuple[str, Sequence[object]], now: datetime
) -> str | None:
    """Send one request; return the code of its failure."""
    method, arguments = call
    try:
        result = await state.ccxt_calls.trade(method, arguments, {}, now)
    except OmsError as error:
        return error.code
    return None if result.refused is None else result.refused.code
