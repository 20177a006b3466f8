"""One account of the venue: a simulation engine, and what was told of it since the start.

Requests come in as inputs of ``oms.simulation``; its facts become rows. An account trades with the
venue's prices and never with another account. It knows no dialect and no time but what it is given.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

from loopback.records import Records
from loopback.rows import Exit, Happening, OrderRow, Origin, PositionTold, WalletTold
from loopback.standing import position_row, wallet_rows
from oms.domain.value import evolve
from oms.simulation.exchange import step
from oms.simulation.facts import Rejected, Step
from oms.simulation.inputs import Deposit, Input, Place
from oms.simulation.memory import EPOCH, Memory, PositionKey
from oms.simulation.settings import Settings

Ear = Callable[["Account", Sequence[Happening]], None]


class Account:
    """``run`` and ``base`` make ids of one start differ from those of another."""

    def __init__(self, name: str, settings: Settings, run: str, base: int, ear: Ear) -> None:
        self.name, self.settings, self._run, self._ear = name, settings, run, ear
        #: Where whole-number ids begin, for dialects that count.
        self.base = base
        self.hedged: set[str] = set()
        self.begin({})

    def begin(self, balances: Mapping[str, Decimal]) -> None:
        """Forget everything; this money alone is there."""
        self.memory = Memory()
        self.records = Records(f"{self._run}:{self.name}", self.settings)
        #: When the open positions were opened.
        self.opened: dict[PositionKey, datetime] = {}
        for currency, amount in sorted(balances.items()):
            if amount > 0:
                paid = Deposit(currency=currency, amount=amount, at=EPOCH)
                self.memory = step(self.memory, paid, self.settings).memory

    def settings_for(self, symbol: str) -> Settings:
        """The rules; the position mode is a symbol's own."""
        return evolve(self.settings, hedge=True) if symbol in self.hedged else self.settings

    def do(
        self,
        input: Input,
        wish: Mapping[str, Any] | None = None,
        origin: Origin = Origin.USER,
        exit: Exit = Exit.NONE,
    ) -> Rejected | None:
        """Let something happen and tell it. Returns why nothing did, if it was refused."""
        result = step(self.memory, input, self.settings_for(getattr(input, "symbol", "")))
        if result.facts and isinstance(result.facts[0], Rejected):
            return result.facts[0]
        self.take(result, wish or {}, origin, exit)
        return None

    def take(
        self,
        result: Step,
        wish: Mapping[str, Any],
        origin: Origin = Origin.USER,
        exit: Exit = Exit.NONE,
    ) -> None:
        """What a step did becomes the account's own, and is told."""
        before, self.memory = self.memory, result.memory
        if result.facts:
            told = self.records.take(result, wish, origin, exit)
            self.tell(told + self._moved(before))

    def refused(self, place: Place, wish: Mapping[str, Any], reason: str) -> None:
        """An order was taken, and canceled at once because it could not trade as wished."""
        self.tell(self.records.refused(place, wish, reason))

    @contextmanager
    def muted(self) -> Iterator[list[Happening]]:
        """While it lasts, what happens is told to nobody but whoever holds the list."""
        told: list[Happening] = []
        ear, self._ear = self._ear, lambda _, happened: told.extend(happened)
        try:
            yield told
        finally:
            self._ear = ear

    def tell(self, told: Sequence[Happening]) -> None:
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

    def _moved(self, before: Memory) -> list[Happening]:
        told: list[Happening] = []
        now = self.memory
        for key in sorted(before.positions.keys() | now.positions.keys()):
            if before.positions.get(key) is not now.positions.get(key):
                if key not in before.positions:
                    self.opened[key] = now.clock
                told.append(PositionTold(row=position_row(self, *key)))
        if before.balances != now.balances:
            told.append(WalletTold(coins=wallet_rows(self)))
        return told
