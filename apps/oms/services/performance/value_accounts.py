"""Values accounts: stored money, marks of open positions, and rates between currencies.

Rates are prices of markets ``CURRENCY/REPORT``: of spot, else of the linear contract. An account at
a real exchange has those that were stored for it. No rate is assumed, also not of 1.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from oms.domain.account import Account, Engine
from oms.domain.ledger.deal import DealType
from oms.domain.ledger.position import Position
from oms.domain.money import ZERO, add, multiply, subtract
from oms.domain.orders.order import Side
from oms.domain.performance.account_value import (
    AccountMoney,
    AccountValue,
    Amounts,
    ValuedPosition,
    currencies_of,
    rate_symbols,
    value_account,
)
from oms.domain.performance.balances import Balance, Balances
from oms.domain.value import evolve, value
from oms.ports.clock import Clock
from oms.ports.mark_prices import MarkPrices, PositionMark
from oms.ports.performance.account_money import AccountMoneyReads, StoredMoney
from oms.ports.registry import Registry
from oms.wire.account_config.report_currency import read_report_currency

STALE_INTERVALS = 3
"""Refresh intervals after which a mark is stale."""

_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@value
class ValuedAccount:
    """An account with its value, the rows it was computed from, and when."""

    account: Account
    stored: StoredMoney
    marks: Mapping[int, PositionMark]
    value: AccountValue
    rates: Amounts
    #: Symbols of open positions whose mark is old or missing.
    stale_symbols: tuple[str, ...]
    #: Whether equity at a real exchange follows from a price or a rate that is old or missing.
    is_outdated: bool
    as_of: datetime

    @property
    def is_settled(self) -> bool:
        """Return whether the balances have the last deal, and all prices are current."""
        balances = self.stored.balances
        has_deals = balances is None or balances.contain(self.stored.last_deal_at)
        return has_deals and not self.is_outdated

    def flows(self) -> Mapping[int, Decimal | None]:
        """Return deposits (withdrawals negative) by deal id; ``None`` has no rate."""
        rates = {**self.rates, self.value.currency: Decimal(1)}
        return {
            deal.id: None
            if (rate := rates.get(deal.symbol)) is None
            else multiply(deal.profit, rate)
            for deal in self.stored.outside
            if deal.type is DealType.BALANCE
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueAccounts:
    """Returns accounts with their values."""

    registry: Registry
    money: AccountMoneyReads
    mark_prices: MarkPrices
    clock: Clock
    #: Currency of accounts that set none.
    report_currency: str
    price_refresh_seconds: float

    async def __call__(self, account_ids: Sequence[int]) -> Mapping[int, ValuedAccount]:
        """Return the accounts by id; unknown ids are left out. Raises ``Unavailable``."""
        now = self.clock.now()  # Before the read: what is booked meanwhile is later than that.
        stored = await self.money(account_ids)
        accounts = {row.account.id: row for row in await self.registry.accounts(sorted(stored))}
        money = {
            key: _with_known_balances(stored[key], accounts[key].account, now) for key in accounts
        }
        currencies = {
            key: read_report_currency(row.extra_config) or self.report_currency
            for key, row in accounts.items()
        }
        held = [position for each in money.values() for position in each.positions]
        probes = [probe for key, each in money.items() for probe in _probes(each, currencies[key])]
        marks = await self.mark_prices([*held, *_numbered(probes)])
        rates = _rates_of(probes, marks)
        return {
            key: self._valued(
                accounts[key].account, each, marks, currencies[key], rates.get(key, {}), now
            )
            for key, each in money.items()
        }

    async def rates(self, currencies: Mapping[int, str], into: str) -> Mapping[int, Amounts]:
        """Return prices in ``into`` by account; of each in its markets, of its currency."""
        probes = [
            probe
            for account_id, currency in currencies.items()
            for probe in _probes_of(account_id, [currency], into)
        ]
        marks = _rates_of(probes, await self.mark_prices(_numbered(probes)) if probes else {})
        return {account_id: _prices(each) for account_id, each in marks.items()}

    def _valued(
        self,
        account: Account,
        stored: StoredMoney,
        marks: Mapping[int, PositionMark],
        currency: str,
        rate_marks: Mapping[str, PositionMark],
        now: datetime,
    ) -> ValuedAccount:
        oldest = now - timedelta(seconds=self.price_refresh_seconds * STALE_INTERVALS)
        mine = {p.id: marks[p.id] for p in stored.positions if p.id in marks}
        old_rates = {name for name, mark in rate_marks.items() if _is_stale(mark, oldest)}
        stale = {
            position.symbol
            for position in stored.positions
            if (mark := mine.get(position.id)) is None or _is_stale(mark, oldest)
        }
        is_outdated = bool(stale) or not old_rates.isdisjoint(_held_currencies(stored))
        rates = _prices(rate_marks)
        return ValuedAccount(
            account=account,
            stored=stored,
            marks=mine,
            value=value_account(money_of(stored, mine), currency, rates),
            rates=rates,
            stale_symbols=tuple(sorted(stale)),
            is_outdated=is_outdated and account.engine is not Engine.PAPER,
            as_of=now,
        )


def _with_known_balances(stored: StoredMoney, account: Account, now: datetime) -> StoredMoney:
    """Return the money without balances that are too old.

    A paper account that has not traded has its initial balances.
    """
    if stored.balances is not None:
        is_known = stored.balances.are_current(now, stored.last_deal_at)
        return stored if is_known else evolve(stored, balances=None)
    if account.engine is not Engine.PAPER:
        return stored
    amounts = {
        currency: Balance(total=amount, free=amount, used=ZERO)
        for currency, amount in account.paper.balances.items()
    }
    return evolve(stored, balances=Balances(amounts=amounts))


def money_of(stored: StoredMoney, marks: Mapping[int, PositionMark]) -> AccountMoney:
    """Return the stored money by currency, with the positions at their marks."""
    realized: dict[str, Decimal] = defaultdict(lambda: ZERO)
    fees: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for each in stored.results:
        settle = currencies_of(each.symbol).settle
        gross = add(each.profit, each.funding)
        realized[settle] = add(realized[settle], gross)
        fees[settle] = add(fees[settle], subtract(gross, each.realized_pnl))
    for (symbol, currency), paid in stored.fees.items():
        # ``realized_pnl`` has the fees in the settle currency and in the coins of spot executions,
        # but not those in coins that were reported later: they took none from a position.
        names = currencies_of(symbol)
        is_in_coins = names.is_spot and currency == names.base
        fee = stored.late_fees.get((symbol, currency), ZERO) if is_in_coins else paid
        if currency != names.settle:
            fees[currency] = add(fees[currency], fee)
    for deal in stored.outside:
        if deal.type is not DealType.BALANCE:
            settle = currencies_of(deal.symbol).settle
            realized[settle] = add(realized[settle], deal.profit)
        if deal.fee is not None and deal.fee_currency is not None:
            fees[deal.fee_currency] = add(fees[deal.fee_currency], deal.fee)
    return AccountMoney(
        balances=None if stored.balances is None else stored.balances.totals(),
        positions=tuple(_valued_position(each, marks) for each in stored.positions),
        realized=realized,
        fees=fees,
    )


def _valued_position(position: Position, marks: Mapping[int, PositionMark]) -> ValuedPosition:
    mark = marks.get(position.id)
    if mark is None:
        return ValuedPosition(position=position)
    return ValuedPosition(position=position, market_value=mark.value, unrealized=mark.profit)


def _probes(stored: StoredMoney, currency: str) -> list[Position]:
    """Return positions without quantity in the markets whose prices are rates."""
    names = set(() if stored.balances is None else stored.balances.amounts)
    names |= {currencies_of(each.symbol).settle for each in stored.results}
    names |= {paid for _, paid in stored.fees} | {deal.symbol for deal in stored.outside}
    return _probes_of(stored.account_id, (name for name in names if "/" not in name), currency)


def _probes_of(account_id: int, currencies: Iterable[str], into: str) -> list[Position]:
    return [
        Position(
            id=0,
            account_id=account_id,
            symbol=symbol,
            strategy_id=0,
            side=Side.BUY,
            identifier=0,
            opened_at=_EPOCH,
            updated_at=_EPOCH,
        )
        for symbol in rate_symbols(currencies, into)
    ]


def _is_stale(mark: PositionMark, oldest: datetime) -> bool:
    return mark.ages and mark.at < oldest


def _held_currencies(stored: StoredMoney) -> set[str]:
    """Return the currencies whose rates equity depends on."""
    balances = {} if stored.balances is None else stored.balances.totals()
    held = {name for name, amount in balances.items() if amount}
    return held | {currencies_of(each.symbol).settle for each in stored.positions}


def _rates_of(
    probes: Sequence[Position], marks: Mapping[int, PositionMark]
) -> Mapping[int, Mapping[str, PositionMark]]:
    """Return the marks of probes by account and currency; that of the first market counts."""
    rates: dict[int, dict[str, PositionMark]] = defaultdict(dict)
    for position, mark_id in zip(probes, _probe_ids(probes), strict=True):
        if mark_id in marks:
            base = currencies_of(position.symbol).base
            rates[position.account_id].setdefault(base, marks[mark_id])
    return rates


def _prices(marks: Mapping[str, PositionMark]) -> Amounts:
    return {name: mark.price for name, mark in marks.items()}


def _probe_ids(probes: Sequence[Position]) -> range:
    """Return ids that no position has."""
    return range(-1, -1 - len(probes), -1)


def _numbered(probes: Sequence[Position]) -> list[Position]:
    return [
        evolve(each, id=number) for each, number in zip(probes, _probe_ids(probes), strict=True)
    ]
