"""Values of accounts at exchanges: what is computed from old prices and rates is marked as such."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from kit.builders import NOON
from oms.domain.account import Engine
from oms.domain.ledger.position import Position
from oms.domain.performance.balances import Balance, Balances
from oms.ports.mark_prices import PositionMark
from oms.ports.performance.account_money import StoredMoney
from oms.services.performance.account_equity import ReadAccountEquity
from oms.services.performance.value_accounts import ValueAccounts

ACCOUNT = 1
OLD = timedelta(seconds=16)


@dataclass
class Book:
    """An account that holds coins, the ages of their rates, and the clock."""

    engine: Engine = Engine.CCXT
    held: Mapping[str, str] = field(default_factory=lambda: {"BTC": "2"})
    ages: Mapping[str, timedelta] = field(default_factory=dict)

    def now(self) -> datetime:
        return NOON

    async def accounts(self, ids: Sequence[int]) -> Sequence[Any]:
        account = SimpleNamespace(id=ACCOUNT, engine=self.engine)
        return [SimpleNamespace(account=account, extra_config="{}")]

    async def money(self, account_ids: Sequence[int]) -> Mapping[int, StoredMoney]:
        amounts = {name: Balance(total=Decimal(text)) for name, text in self.held.items()}
        balances = Balances(amounts=amounts, as_of=NOON)
        return {ACCOUNT: StoredMoney(account_id=ACCOUNT, seq=1, balances=balances)}

    async def marks(self, positions: Sequence[Position]) -> Mapping[int, PositionMark]:
        return {
            each.id: PositionMark(
                price=Decimal(100),
                at=NOON - self.ages[each.symbol],
                profit=Decimal(0),
                value=Decimal(0),
                cost=Decimal(0),
            )
            for each in positions
            if each.symbol in self.ages
        }

    def values(self) -> ValueAccounts:
        return ValueAccounts(
            registry=cast("Any", self),
            money=self.money,
            mark_prices=self.marks,
            clock=self,
            report_currency="USDT",
            price_refresh_seconds=5,
        )


@pytest.mark.parametrize(
    ("age", "is_outdated"), [(timedelta(seconds=15), False), (OLD, True)], ids=["current", "old"]
)
async def test_equity_from_an_old_rate_is_marked_and_no_limit_counts_it(
    age: timedelta, *, is_outdated: bool
) -> None:
    values = Book(ages={"BTC/USDT": age}).values()
    account = (await values([ACCOUNT]))[ACCOUNT]
    assert account.value.equity == 200
    assert (account.is_outdated, account.is_settled) == (is_outdated, not is_outdated)
    read = ReadAccountEquity(value_accounts=values, snapshots=_NONE, history=_NONE)
    equity = (await read(ACCOUNT, NOON)).equity
    assert equity == (None if is_outdated else 200)


async def test_rates_of_coins_that_are_gone_and_of_paper_accounts_may_be_old() -> None:
    ages = {"BTC/USDT": timedelta(0), "BNB/USDT": OLD}
    spent = Book(ages=ages, held={"BTC": "2", "BNB": "0"})
    assert not (await spent.values()([ACCOUNT]))[ACCOUNT].is_outdated
    paper = Book(engine=Engine.PAPER, ages={"BTC/USDT": OLD})
    assert not (await paper.values()([ACCOUNT]))[ACCOUNT].is_outdated


class _Nothing:
    """An account without snapshots and deals."""

    async def latest_in(self, *_: object) -> None:
        return None

    async def deals(self, _: object) -> Any:
        return SimpleNamespace(items=())


_NONE = cast("Any", _Nothing())
