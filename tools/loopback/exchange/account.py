"""One account of the venue: a simulation engine, and what was told of it since the start.

Requests come in as inputs of ``oms.simulation``; its facts become rows. An account trades with the
venue's prices and never with another account. It knows no dialect and no time but what it is given.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

from loopback.exchange.account_rows import position_row, wallet_rows
from loopback.exchange.records import AccountRecords
from loopback.exchange.rows import (
    AccountUpdate,
    ExitKind,
    OrderOrigin,
    OrderRow,
    PositionUpdate,
    WalletUpdate,
)
from oms.domain.value import evolve
from oms.simulation.events import Rejected, StepResult
from oms.simulation.inputs import Deposit, Input, NewOrder
from oms.simulation.settings import SimulationSettings
from oms.simulation.state.exchange_state import EPOCH, ExchangeState, PositionKey
from oms.simulation.step import step

UpdateListener = Callable[["Account", Sequence[AccountUpdate]], None]


class Account:
    """``run`` and ``base`` make ids of one start differ from those of another."""

    def __init__(
        self, name: str, settings: SimulationSettings, run: str, base: int, ear: UpdateListener
    ) -> None:
        self.name, self.settings, self._run, self._ear = name, settings, run, ear
        #: Where whole-number ids begin, for dialects that count.
        self.base = base
        self.hedged: set[str] = set()
        self.begin({})

    def begin(self, balances: Mapping[str, Decimal]) -> None:
        """Forget everything; this money alone is there."""
        self.state = ExchangeState()
        self.records = AccountRecords(f"{self._run}:{self.name}", self.settings)
        #: When the open positions were opened.
        self.opened: dict[PositionKey, datetime] = {}
        for currency, amount in sorted(balances.items()):
            if amount > 0:
                paid = Deposit(currency=currency, amount=amount, at=EPOCH)
                self.state = step(self.state, paid, self.settings).state

    def settings_for(self, symbol: str) -> SimulationSettings:
        """The rules; the position mode is a symbol's own."""
        return evolve(self.settings, hedge=True) if symbol in self.hedged else self.settings

    def do(
        self,
        input: Input,
        wish: Mapping[str, Any] | None = None,
        origin: OrderOrigin = OrderOrigin.USER,
        exit: ExitKind = ExitKind.NONE,
    ) -> Rejected | None:
        """Let something happen and tell it. Returns why nothing did, if it was refused."""
        result = step(self.state, input, self.settings_for(getattr(input, "symbol", "")))
        if result.events and isinstance(result.events[0], Rejected):
            return result.events[0]
        self.take(result, wish or {}, origin, exit)
        return None

    def take(
        self,
        result: StepResult,
        wish: Mapping[str, Any],
        origin: OrderOrigin = OrderOrigin.USER,
        exit: ExitKind = ExitKind.NONE,
    ) -> None:
        """What a step did becomes the account's own, and is told."""
        before, self.state = self.state, result.state
        if result.events:
            told = self.records.take(result, wish, origin, exit)
            self.tell(told + self._moved(before))

    def refused(self, place: NewOrder, wish: Mapping[str, Any], reason: str) -> None:
        """An order was taken, and canceled at once because it could not trade as wished."""
        self.tell(self.records.refused(place, wish, reason))

    @contextmanager
    def capture_updates(self) -> Iterator[list[AccountUpdate]]:
        """While it lasts, what happens is told to nobody but whoever holds the list."""
        told: list[AccountUpdate] = []
        ear, self._ear = self._ear, lambda _, happened: told.extend(happened)
        try:
            yield told
        finally:
            self._ear = ear

    def tell(self, told: Sequence[AccountUpdate]) -> None:
        """Let it be heard."""
        if told:
            self._ear(self, told)

    @property
    def orders(self) -> Mapping[str, OrderRow]:
        """All orders by id, the oldest first."""
        return self.records.orders

    def open_orders(self) -> list[OrderRow]:
        """The oldest first."""
        return self.records.open_orders()

    def _moved(self, before: ExchangeState) -> list[AccountUpdate]:
        told: list[AccountUpdate] = []
        now = self.state
        for key in sorted(before.positions.keys() | now.positions.keys()):
            if before.positions.get(key) is not now.positions.get(key):
                if key not in before.positions:
                    self.opened[key] = now.clock
                told.append(PositionUpdate(row=position_row(self, *key)))
        if before.balances != now.balances:
            told.append(WalletUpdate(coins=wallet_rows(self)))
        return told
