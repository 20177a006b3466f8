"""Notional limits of an API key: per opening order, and per day on an account.

The limits are checked by the account's worker after all other checks. A day begins at 00:00 UTC;
the unfilled part of a finished order is given back. Callers check ``has_limits`` first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import reduce

from oms.domain.access import Restrictions
from oms.domain.errors import Refused
from oms.domain.instrument import Instrument
from oms.domain.money import ZERO, add
from oms.domain.value import value
from oms.ports.key_usage import KeyUsage, OpeningOrder
from oms.services.access.command_permissions import CommandPermissions
from oms.services.account_state.state import AccountState

DAY_TOTALS_MAX = 10_000


@value
class NewExposure:
    """An order that may open or increase a position; ``price`` values one unit."""

    command_id: int
    symbol: str
    qty: Decimal
    price: Decimal | None


@dataclass(slots=True)
class _DayTotal:
    """The notional value that a key has opened on an account in a day, by command."""

    day: datetime
    notional: dict[int, Decimal] = field(default_factory=dict)
    is_read: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NotionalLimits:
    """Checks orders that may open or increase a position."""

    permissions: CommandPermissions
    usage: KeyUsage
    _day_totals: dict[tuple[int, int], _DayTotal] = field(default_factory=dict)

    def has_limits(self, api_key_id: int) -> bool:
        """Return whether the key has a limit."""
        restrictions = self.permissions.restrictions_of(api_key_id)
        return (
            restrictions.max_order_notional is not None or restrictions.max_day_notional is not None
        )

    async def __call__(
        self,
        state: AccountState,
        api_key_id: int,
        opening: NewExposure,
        now: datetime,
    ) -> Refused | None:
        """Refuse what exceeds a limit of the key; accepted orders count. Raises ``Unavailable``."""
        restrictions = self.permissions.restrictions_of(api_key_id)
        if opening.price is None:
            return _refused(
                "key_order_notional", "the notional value of the order is not known", None, None
            )
        instruments = state.exchange.instruments()
        notional = instruments[opening.symbol].notional(opening.qty, opening.price)
        if (
            restrictions.max_order_notional is not None
            and notional > restrictions.max_order_notional
        ):
            message = "the order exceeds the notional limit of the key per order"
            return _refused(
                "key_order_notional", message, restrictions.max_order_notional, notional
            )
        return await self._check_day(
            state, api_key_id, opening.command_id, restrictions, notional, now
        )

    async def _check_day(
        self,
        state: AccountState,
        key_id: int,
        command_id: int,
        restrictions: Restrictions,
        notional: Decimal,
        now: datetime,
    ) -> Refused | None:
        limit = restrictions.max_day_notional
        if limit is None:
            return None
        account_id = state.account.id
        day_total = self._day_total(key_id, account_id, now)
        after = add(_sum_of_others(day_total, command_id), notional)
        if not day_total.is_read or after > limit:
            instruments = state.exchange.instruments()
            stored = await self._stored_notionals(key_id, account_id, day_total, instruments)
            day_total.notional.update(stored)
            day_total.is_read = True
            after = add(_sum_of_others(day_total, command_id), notional)
        if after > limit:
            message = "the key has reached its notional limit of the day on this account"
            return _refused("key_day_notional", message, limit, after)
        day_total.notional[command_id] = notional
        return None

    async def _stored_notionals(
        self,
        key_id: int,
        account_id: int,
        day_total: _DayTotal,
        instruments: Mapping[str, Instrument],
    ) -> dict[int, Decimal]:
        orders = await self.usage.opening_orders(account_id, key_id, day_total.day)
        return {order.command_id: _counted_notional(order, instruments) for order in orders}

    def _day_total(self, key_id: int, account_id: int, now: datetime) -> _DayTotal:
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        day_total = self._day_totals.get((key_id, account_id))
        if day_total is None or not timedelta(0) <= now - day_total.day < timedelta(days=1):
            if len(self._day_totals) >= DAY_TOTALS_MAX:
                self._day_totals.clear()
            day_total = self._day_totals[key_id, account_id] = _DayTotal(day)
        return day_total


def _sum_of_others(day_total: _DayTotal, command_id: int) -> Decimal:
    others = (each for key, each in day_total.notional.items() if key != command_id)
    return reduce(add, others, ZERO)


def _counted_notional(order: OpeningOrder, instruments: Mapping[str, Instrument]) -> Decimal:
    """Return what an order counts: all of it while open, else its filled quantity."""
    qty = order.qty if order.is_open else order.filled_qty
    instrument = instruments.get(order.symbol)
    if instrument is None or order.price is None:
        return ZERO
    return instrument.notional(qty, order.price)


def _refused(reason: str, message: str, limit: Decimal | None, actual: Decimal | None) -> Refused:
    return Refused(
        code="risk_blocked",
        reason=reason,
        message=message,
        limit=limit,
        value=actual,
        set_by="api_key",
    )
