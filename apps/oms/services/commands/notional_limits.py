"""The caps of a key: how much one opening order may be worth, and all of a day on an account.

Judged by the account's one worker after everything else. A day begins at 00:00 UTC; what was not
executed of an order that ended is given back. Whoever asks looks first whether the key has any.
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
    """An order that may open or enlarge; ``price`` is what a unit is judged by."""

    command_id: int
    symbol: str
    qty: Decimal
    price: Decimal | None


@dataclass(slots=True)
class _Tally:
    """What a key has opened on an account in a day, by command."""

    day: datetime
    worth: dict[int, Decimal] = field(default_factory=dict)
    is_read: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NotionalLimits:
    """Judges what may open or enlarge a position."""

    permissions: CommandPermissions
    usage: KeyUsage
    _day_totals: dict[tuple[int, int], _Tally] = field(default_factory=dict)

    def has_limits(self, api_key_id: int) -> bool:
        """Whether the key has a cap at all."""
        held = self.permissions.held(api_key_id)
        return held.max_order_notional is not None or held.max_day_notional is not None

    async def __call__(
        self,
        state: AccountState,
        api_key_id: int,
        opening: NewExposure,
        now: datetime,
    ) -> Refused | None:
        """Refuse what is above a cap of the key; what passes counts. Raises ``Unavailable``."""
        held = self.permissions.held(api_key_id)
        if opening.price is None:
            return _refused("key_order_notional", "the worth of the order is not known", None, None)
        known = state.exchange.instruments()
        worth = known[opening.symbol].notional(opening.qty, opening.price)
        if held.max_order_notional is not None and worth > held.max_order_notional:
            message = "the order is worth more than one order of this key may be"
            return _refused("key_order_notional", message, held.max_order_notional, worth)
        return await self._judge_day(state, api_key_id, opening.command_id, held, worth, now)

    async def _judge_day(
        self,
        state: AccountState,
        key_id: int,
        name: int,
        held: Restrictions,
        worth: Decimal,
        now: datetime,
    ) -> Refused | None:
        limit = held.max_day_notional
        if limit is None:
            return None
        account_id = state.account.id
        tally = self._tally(key_id, account_id, now)
        after = add(_sum(tally, name), worth)
        if not tally.is_read or after > limit:
            known = state.exchange.instruments()
            for command_id, each in (await self._stored(key_id, account_id, tally, known)).items():
                tally.worth[command_id] = each
            tally.is_read = True
            after = add(_sum(tally, name), worth)
        if after > limit:
            message = "the key has opened as much as it may in a day on this account"
            return _refused("key_day_notional", message, limit, after)
        tally.worth[name] = worth
        return None

    async def _stored(
        self, key_id: int, account_id: int, tally: _Tally, known: Mapping[str, Instrument]
    ) -> dict[int, Decimal]:
        found = await self.usage.opening_orders(account_id, key_id, tally.day)
        return {order.command_id: _worth(order, known) for order in found}

    def _tally(self, key_id: int, account_id: int, now: datetime) -> _Tally:
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        tally = self._day_totals.get((key_id, account_id))
        if tally is None or not timedelta(0) <= now - tally.day < timedelta(days=1):
            if len(self._day_totals) >= DAY_TOTALS_MAX:
                self._day_totals.clear()
            tally = self._day_totals[key_id, account_id] = _Tally(day)
        return tally


def _sum(tally: _Tally, besides: int) -> Decimal:
    return reduce(add, (w for name, w in tally.worth.items() if name != besides), ZERO)


def _worth(order: OpeningOrder, known: Mapping[str, Instrument]) -> Decimal:
    """What an order counts: all of it while it is open, what was executed once it is not."""
    qty = order.qty if order.is_open else order.filled_qty
    instrument = known.get(order.symbol)
    if instrument is None or order.price is None:
        return ZERO
    return instrument.notional(qty, order.price)


def _refused(reason: str, message: str, limit: Decimal | None, found: Decimal | None) -> Refused:
    return Refused(
        code="risk_blocked",
        reason=reason,
        message=message,
        limit=limit,
        value=found,
        set_by="api_key",
    )
