"""Limits of a risk preset on the entries of a backtest, by the checks that rule orders of accounts.

The account of a run is judged as one that begins with its first candle: losses and drawdown are
counted at the closes, the day from its last close before midnight. A loss of a day that reached its
limit refuses until the next day, a drawdown until the end of the run, in which there is no reset.
"""

from datetime import datetime
from decimal import Decimal

from oms.backtest.settings import OPEN_PRESET, BacktestSettings
from oms.domain.account import PositionMode
from oms.domain.errors import Refused
from oms.domain.money import subtract
from oms.domain.risk.exposure import Entry, Exposure
from oms.domain.risk.limit_context import (
    AccountEquity,
    HighWater,
    LimitContext,
    Market,
    RiskState,
    Trip,
)
from oms.domain.risk.limits import check_limits
from oms.domain.risk.loss_limits import DAY_LOSS_KEYS, judge_losses
from oms.domain.risk.measure import number_of
from oms.domain.risk.policy import AccountPolicy, account_policy, preset_limits
from oms.domain.risk.risk_day import day_start
from oms.domain.risk.trips import with_trips
from oms.domain.side import Side
from oms.domain.value import evolve

_ACCOUNT_ID = 1
_FLAT = Exposure(mode=PositionMode.NETTING, positions=(), reserved=())


class EntryLimits:
    """Judges entries from flat; closes are observed in ascending order."""

    def __init__(self, settings: BacktestSettings, begins_at: datetime) -> None:
        self._instrument = settings.instrument
        self._initial = settings.initial_balance
        self._policy = _policy_of(settings.risk_preset, begins_at)
        self._equity = AccountEquity(
            currency=settings.instrument.settle,
            equity=settings.initial_balance,
            day_result=Decimal(0),
            at_day_start=settings.initial_balance,
            day_start=day_start(begins_at, "UTC"),
            profit=Decimal(0),
        )
        mark = HighWater(currency=self._equity.currency, peak=Decimal(0), as_of=begins_at)
        self._risk = RiskState(high_water=mark)

    def observe(self, equity: Decimal, at: datetime) -> None:
        """Count the equity at a close: its day, the high-water mark, limits that are reached."""
        if self._policy is None:
            return
        self._equity = self._equity_at(equity, at)
        mark, profit = self._risk.high_water, subtract(equity, self._initial)
        assert mark is not None, "it begins with one"
        if profit > mark.peak:
            self._risk = evolve(self._risk, high_water=evolve(mark, peak=profit, as_of=at))
        observed = judge_losses(self._policy, self._context(None))
        trips = []
        for key, verdict in observed.verdicts.items():
            limit, known = self._policy.account[key], self._risk.trip_of(key)
            is_known = known is not None and (
                key not in DAY_LOSS_KEYS or known.tripped_at >= self._day_start()
            )
            if verdict.breach is None or is_known:
                continue
            trips.append(
                Trip(
                    key=key,
                    scope=limit.scope.value,
                    tripped_at=at,
                    limit=number_of(limit),
                    actual=verdict.breach.actual,
                )
            )
        self._risk = with_trips(self._risk, trips)

    def refuse(
        self, side: Side, qty: Decimal, price: Decimal, equity: Decimal, at: datetime
    ) -> Refused | None:
        """Return why a market order that opens a position at ``price`` is refused."""
        if self._policy is None:
            return None
        self._equity = self._equity_at(equity, at)
        entry = Entry(symbol=self._instrument.symbol, side=side, order_type="market", qty=qty)
        market = Market(bid=price, ask=price, at=at.strftime("%Y-%m-%dT%H:%M:%SZ"))
        return check_limits(self._policy, entry, self._context(market))

    def _equity_at(self, equity: Decimal, at: datetime) -> AccountEquity:
        """Return the equity at a time; a new day begins with what was known before it."""
        before, begin = self._equity, day_start(at, "UTC")
        start = before.at_day_start
        # The close at midnight is the end of its day.
        if before.day_start is None or begin > before.day_start:
            start = equity if at == begin else before.equity
        assert start is not None, "the equity of a run is known"
        return evolve(
            before,
            equity=equity,
            at_day_start=start,
            day_start=begin,
            day_result=subtract(equity, start),
            profit=subtract(equity, self._initial),
        )

    def _day_start(self) -> datetime:
        begin = self._equity.day_start
        assert begin is not None, "it begins with one"
        return begin

    def _context(self, market: Market | None) -> LimitContext:
        instrument = self._instrument
        return LimitContext(
            exposure=_FLAT,
            instruments={instrument.symbol: instrument},
            markets={} if market is None else {instrument.symbol: market},
            rates={instrument.quote: Decimal(1), instrument.settle: Decimal(1)},
            equity=self._equity,
            risk=self._risk,
        )


def _policy_of(preset: str, begins_at: datetime) -> AccountPolicy | None:
    if preset == OPEN_PRESET:
        return None
    limits = preset_limits(
        preset,
        _ACCOUNT_ID,
        set_by=f"preset {preset}",
        set_by_user_id=None,
        set_at=begins_at,
        comment="",
    )
    return account_policy(limits, _ACCOUNT_ID)
