"""One account of the venue: a simulation engine and the records of its events.

Requests come in as inputs of ``oms.simulation``; its events become rows and updates. An account
trades at the venue's prices, never with another account. It is independent of any API dialect, and
time comes in as an argument.
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
from oms.simulation.events import Rejected
from oms.simulation.inputs import Deposit, Input, NewOrder
from oms.simulation.settings import SimulationSettings
from oms.simulation.state.exchange_state import EPOCH, ExchangeState
from oms.simulation.state.paper_account import PositionKey
from oms.simulation.step import step
from oms.simulation.step_result import StepResult

UpdateListener = Callable[["Account", Sequence[AccountUpdate]], None]


class Account:
    """``run_id`` and ``id_base`` make the ids of one start differ from those of another."""

    def __init__(
        self,
        name: str,
        settings: SimulationSettings,
        run_id: str,
        id_base: int,
        listener: UpdateListener,
    ) -> None:
        self.name, self.settings = name, settings
        self._run_id, self._listener = run_id, listener
        #: The first integer id, for dialects with integer ids.
        self.id_base = id_base
        #: Symbols in hedge mode.
        self.hedged: set[str] = set()
        self.reset({})

    def reset(self, balances: Mapping[str, Decimal]) -> None:
        """Forgets everything and deposits ``balances``."""
        self.state = ExchangeState()
        self.records = AccountRecords(f"{self._run_id}:{self.name}", self.settings)
        #: When all orders that have no trigger are canceled; ``None``: never.
        self.cancel_at: datetime | None = None
        #: The same for the orders of one symbol each.
        self.symbol_cancel_at: dict[str, datetime] = {}
        #: When the open positions were opened.
        self.opened_at: dict[PositionKey, datetime] = {}
        for currency, amount in sorted(balances.items()):
            if amount > 0:
                deposit = Deposit(currency=currency, amount=amount, at=EPOCH)
                self.state = step(self.state, deposit, self.settings).state

    def settings_for(self, symbol: str) -> SimulationSettings:
        """Returns the settings with the position mode of the symbol."""
        return evolve(self.settings, hedge=True) if symbol in self.hedged else self.settings

    def leverage_of(self, symbol: str) -> int:
        """Returns the leverage of a contract."""
        contract = self.state.contracts.get(symbol)
        return self.settings.leverage_of(self.settings.instruments[symbol], contract)

    def apply(
        self,
        input: Input,
        params: Mapping[str, Any] | None = None,
        origin: OrderOrigin = OrderOrigin.USER,
        exit: ExitKind = ExitKind.NONE,
    ) -> Rejected | None:
        """Applies an input and publishes the updates; returns the rejection if there is one.

        ``params`` (of the request), ``origin`` and ``exit`` are recorded with a new order.
        """
        result = step(self.state, input, self.settings_for(getattr(input, "symbol", "")))
        if result.events and isinstance(result.events[0], Rejected):
            return result.events[0]
        self.commit(result, params or {}, origin, exit)
        return None

    def commit(
        self,
        result: StepResult,
        params: Mapping[str, Any],
        origin: OrderOrigin = OrderOrigin.USER,
        exit: ExitKind = ExitKind.NONE,
    ) -> None:
        """Takes over the state of a step, records its events and publishes the updates."""
        previous, self.state = self.state, result.state
        if result.events:
            updates = self.records.apply(result, params, origin, exit)
            self.publish(updates + self._balance_updates(previous))

    def record_canceled(self, order: NewOrder, params: Mapping[str, Any], reason: str) -> None:
        """Records an order that was accepted and canceled immediately, for ``reason``."""
        self.publish(self.records.add_canceled(order, params, reason))

    @contextmanager
    def capture_updates(self) -> Iterator[list[AccountUpdate]]:
        """Collects updates in the returned list instead of publishing them."""
        captured: list[AccountUpdate] = []
        listener, self._listener = self._listener, lambda _, updates: captured.extend(updates)
        try:
            yield captured
        finally:
            self._listener = listener

    def publish(self, updates: Sequence[AccountUpdate]) -> None:
        """Passes updates to the listener."""
        if updates:
            self._listener(self, updates)

    @property
    def orders(self) -> Mapping[str, OrderRow]:
        """All orders by id, the oldest first."""
        return self.records.orders

    def open_orders(self) -> list[OrderRow]:
        """Returns the open orders, the oldest first."""
        return self.records.open_orders()

    def _balance_updates(self, previous: ExchangeState) -> list[AccountUpdate]:
        """Returns the updates of changed positions and balances."""
        updates: list[AccountUpdate] = []
        current = self.state
        for key in sorted(previous.positions.keys() | current.positions.keys()):
            if previous.positions.get(key) is not current.positions.get(key):
                if key not in previous.positions:
                    self.opened_at[key] = current.clock
                updates.append(PositionUpdate(row=position_row(self, *key)))
        if previous.balances != current.balances:
            updates.append(WalletUpdate(coins=wallet_rows(self)))
        return updates
