"""Takes snapshots of an account in the course of a random history, and compares them."""

import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import cast

from kit.builders import NOON
from kit.exchanges.paper_harness import a_paper_account
from kit.ledger.equity_oracle import PLACES, ExpectedEquity, expected_equity
from kit.ledger.histories import History
from kit.ledger.history_run import HistoryRun
from kit.ledger.ledger_book import LedgerBook
from oms.domain.instrument import InstrumentKind
from oms.domain.ledger.deal import DealType
from oms.domain.ledger.position import Position
from oms.domain.money import EXACT
from oms.domain.performance.balances import Balance, Balances
from oms.domain.value import evolve
from oms.ports.leases import Lease
from oms.ports.mark_prices import PositionMark, mark_position
from oms.ports.performance.account_money import StoredMoney, SymbolResults
from oms.ports.performance.equity_snapshots import EquitySnapshot, EquitySnapshotStore
from oms.ports.registry import AccountRow, Registry
from oms.services.performance.take_snapshots import TakeSnapshots
from oms.services.performance.value_accounts import ValueAccounts

DEPOSIT = Decimal(100_000)
ZERO = Decimal(0)

ReadMoney = Callable[[], Awaitable[StoredMoney]]
"""Returns the money of the account; its wallet is not used."""


class EquityRun(HistoryRun):
    """Every fifth late fee of spot is in coins, which it takes from no position."""

    def _charge_fee(self, trade: str, fee: Decimal, currency: str) -> None:
        is_in_coins = self.instrument.kind is InstrumentKind.SPOT and int(fee * 1000) % 5 == 0
        super()._charge_fee(trade, fee, self.instrument.base if is_in_coins else currency)


class SnapshotChecks:
    """Snapshots of the account of a run, at drawn prices; the wallet is that of the oracle."""

    def __init__(
        self, run: HistoryRun, seed: int, read_money: ReadMoney | None = None, account_id: int = 1
    ) -> None:
        self._run, self._draw, self._account_id = run, random.Random(seed), account_id
        self._read_money = read_money or self._money_of_book
        self._time: datetime = NOON
        self._mark, self._rate = Decimal(100), Decimal(1)
        self._wallet: Mapping[str, Fraction] = {}
        self._taken: list[EquitySnapshot] = []
        settle = run.instrument.settle
        self._values = ValueAccounts(
            registry=cast(Registry, self),
            money=self._money,
            mark_prices=self._marks,
            clock=self,
            report_currency=settle,
            price_refresh_seconds=5,
        )
        self._take = TakeSnapshots(
            value_accounts=self._values, snapshots=cast(EquitySnapshotStore, self)
        )

    async def differences(self) -> list[str]:
        """Take a snapshot at other prices; return what is not as the oracle has it."""
        self._time += timedelta(seconds=1)
        self._mark = Decimal(self._draw.randrange(100_000, 2_000_000)) / 10_000
        self._rate = Decimal(self._draw.randrange(1, 900_000)) / 1000
        expected = self._expected()
        self._wallet = expected.wallet
        known = len(self._taken)
        valued = await self._take([Lease(account_id=self._account_id, token=1)])
        figures = valued[self._account_id].value
        pairs = [
            ("cash", figures.cash, expected.cash),
            ("unrealized", figures.unrealized, expected.unrealized),
            ("equity", figures.equity, expected.equity),
        ]
        for snapshot in self._taken[known:]:
            pairs += [
                (f"snapshot's {name}", getattr(snapshot, name), getattr(expected, name))
                for name in ExpectedEquity._fields
                if name != "wallet"
            ]
        earned = figures.total_pnl
        if not self._is_earned(earned, expected.equity - Fraction(DEPOSIT)):
            pairs.append(("total_pnl", earned, expected.equity - Fraction(DEPOSIT)))
        return [
            f"{name} {actual}, the oracle has {float(wanted)}"
            for name, actual, wanted in pairs
            if actual is None or Fraction(actual) != wanted
        ]

    def _is_earned(self, figure: Decimal | None, expected: Fraction) -> bool:
        """Return whether the account earned this, up to the rounding of each result and fee.

        Coins that were sold beyond what positions held are no result of the ledger.
        """
        parts = self._run.oracle.parts
        if figure is None or any(part.position is None for part in parts):
            return figure is not None
        return abs(Fraction(figure) - expected) <= Fraction(2 + 2 * len(parts), PLACES)

    @property
    def taken(self) -> int:
        """How many snapshots were stored."""
        return len(self._taken)

    def _expected(self) -> ExpectedEquity:
        run, charges = self._run, self._run.charges
        payments = [
            (currency, -Fraction(fee))
            for fees in charges.commissions.values()
            for fee, currency in fees
        ]
        settle = run.instrument.settle
        payments += [(settle, Fraction(each.amount)) for each in charges.fundings.values()]
        prices = {"BNB": Fraction(self._rate)}
        if run.instrument.kind.value == "spot":
            prices[run.instrument.base] = Fraction(self._mark)
        return expected_equity(
            run.oracle, settle, Fraction(DEPOSIT), payments, prices, Fraction(self._mark)
        )

    def now(self) -> datetime:
        """``Clock``."""
        return self._time

    async def accounts(self, account_ids: Sequence[int]) -> Sequence[AccountRow]:
        """``Registry.accounts``."""
        account = evolve(a_paper_account(self._run.book.mode), id=self._account_id)
        return [
            AccountRow(
                account=account,
                is_testnet=False,
                extra_config="{}",
                trader_name=None,
                created_at=NOON,
            )
        ]

    async def add(self, snapshots: Sequence[tuple[Lease, EquitySnapshot]]) -> frozenset[int]:
        """``EquitySnapshotStore.add``."""
        self._taken += [snapshot for _, snapshot in snapshots]
        return frozenset([lease.account_id for lease, _ in snapshots])

    async def latest_in(
        self, account_id: int, currency: str, until: datetime | None = None
    ) -> EquitySnapshot | None:
        """``EquitySnapshotStore.latest_in``: before the first one there is none."""
        return None

    async def _money(self, account_ids: Sequence[int]) -> Mapping[int, StoredMoney]:
        amounts = {name: Balance(total=_decimal(each)) for name, each in self._wallet.items()}
        stored = evolve(await self._read_money(), balances=Balances(amounts=amounts))
        return {self._account_id: stored}

    async def _money_of_book(self) -> StoredMoney:
        return money_of_book(self._run.book, self._account_id)

    async def _marks(self, positions: Sequence[Position]) -> Mapping[int, PositionMark]:
        """``MarkPrices``: of the history's symbol, of its coin and of BNB."""
        instrument = self._run.instrument
        prices = {instrument.symbol: self._mark, f"BNB/{instrument.settle}": self._rate}
        return {
            each.id: mark_position(each, instrument, prices[each.symbol], self._time)
            for each in positions
            if each.symbol in prices
        }


def money_of_book(book: LedgerBook, account_id: int) -> StoredMoney:
    """Return the sums of a book's rows, as a store has them."""
    fees: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    late_fees: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    for deal in book.deals:
        if deal.position_id and deal.fee is not None and deal.fee_currency is not None:
            fees[deal.symbol, deal.fee_currency] += deal.fee
            if deal.type is DealType.COMMISSION:
                late_fees[deal.symbol, deal.fee_currency] += deal.fee
    positions = book.positions.values()
    result = SymbolResults(
        symbol=book.instrument.symbol,
        profit=sum((each.profit for each in positions), ZERO),
        funding=sum((each.funding for each in positions), ZERO),
        realized_pnl=sum((each.realized_pnl for each in positions), ZERO),
    )
    return StoredMoney(
        account_id=account_id,
        seq=1,
        balances=None,
        positions=book.open_positions(),
        results=[result],
        fees=fees,
        late_fees=late_fees,
        outside=[deal for deal in book.deals if not deal.position_id],
    )


async def check_history(history: History, seed: int) -> tuple[list[str], int]:
    """Take a snapshot after each step; return the first differences and how many were taken."""
    run = EquityRun(history.mode, history.instrument)
    checks = SnapshotChecks(run, seed)
    for step in history.steps:
        run.play_step(step)
        found = await checks.differences()
        if found:
            return [*run.log, *found], checks.taken
    return [], checks.taken


def _decimal(number: Fraction) -> Decimal:
    """Return a number that has at most 36 decimal places."""
    scaled = number * 10**36
    assert scaled.denominator == 1, number
    return Decimal(scaled.numerator).scaleb(-36, EXACT)
