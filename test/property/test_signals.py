"""Any sequence of signals, with crashes: the exposure after each is that of the rules.

The rules are restated here on lists of signed quantities. A size that is sent again sends nothing.
The services are the real ones, on rows in memory.
"""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from kit.exchanges.paper_harness import LINEAR
from kit.ledger.memory_account import ACTOR, MemoryAccount
from kit.run_size import count_examples
from oms.domain.account import PositionMode
from oms.domain.commands.account_commands import PaperPrice
from oms.domain.commands.command import Command, CommandPayload, CommandStatus
from oms.domain.signals.signal import (
    ExecuteSignal,
    SignalAction,
    SignalKind,
    SignalRules,
    SignalStatus,
    Sizing,
    SizingKind,
)
from oms.services.account_state.state import AccountState
from oms.services.commands.pending_commands import restore_pending
from oms.wire.commands.command_codec import decode_payload

ZERO, SIZED = Decimal(0), Decimal(3)


class Ask(NamedTuple):
    """A signal; ``qty`` ``None``: none in the message."""

    action: SignalAction
    qty: int | None
    size: int
    reverse: bool


ASKS = st.builds(
    Ask,
    action=st.sampled_from([*[SignalAction.BUY] * 4, *[SignalAction.SELL] * 3, *SignalAction]),
    qty=st.sampled_from([1, 2, 5, None]),
    size=st.integers(-4, 4),
    reverse=st.booleans(),
)
CRASHES = st.lists(st.sampled_from(["commit", "lose", "reload"]), max_size=30)


class SignalAccount(MemoryAccount):
    """The account with the commands that its own transactions store."""

    def enqueue(self, payload: CommandPayload) -> Command:
        """Adds a command with an id that no follow-up has."""
        command = Command(
            id=self._ids("command"),
            account_id=self.account.id,
            payload=payload,
            actor=ACTOR,
            created_at=self.now,
        )
        self.commands.append(command)
        return command

    @property
    def state(self) -> AccountState:
        """The account state; after a crash with its running commands."""
        is_new = self._state is None
        state = super().state
        if is_new:
            running = [
                (command, results[-1])
                for command in self.commands
                if (results := self.ledger.results.get(command.id))
                and results[-1].status is CommandStatus.RUNNING
            ]
            assert restore_pending(state, running) == []
        return state

    def take_follow_ups(self) -> None:
        """Adds stored system commands to the queue."""
        known = {command.id for command in self.commands}
        for row in self.ledger.follow_ups:
            if row.id not in known:
                self.commands.append(
                    Command(
                        id=row.id,
                        account_id=row.account_id,
                        payload=decode_payload(row.command_type, row.payload),
                        actor=row.actor,
                        request_id=row.request_id,
                        created_at=row.created_at,
                    )
                )

    async def run(self, crashes: Iterator[str]) -> None:
        """Execute everything that is queued, and what follows from it, one command at a time."""
        while self.pending() or self.state.pending_signals:
            await self.process(limit=1)
            kind = next(crashes, "commit")
            if kind == "lose":
                self.crash()
            else:
                self.commit(then_crash=kind == "reload")
            self.take_follow_ups()

    def exposure(self) -> list[Decimal]:
        """Signed quantities of the open positions, oldest first."""
        return [position.qty for position in self.state.positions_in(LINEAR)]


def expected(held: Sequence[Decimal], ask: Ask, mode: PositionMode) -> list[Decimal]:
    """What is held after a signal."""
    if ask.action is SignalAction.CLOSE:
        return []
    if ask.action is SignalAction.POSITION_SIZE:
        size = Decimal(ask.size)
        own = [qty for qty in held if qty * size > 0]
        missing = abs(size) - abs(sum(own, ZERO))
        if missing < 0:
            return reduced(own, -missing)
        return opened(own, missing.copy_sign(size), mode) if missing else own
    sign = 1 if ask.action is SignalAction.BUY else -1
    own = [qty for qty in held if qty * sign > 0]
    opposite = [qty for qty in held if qty * sign < 0]
    qty = None if ask.qty is None else Decimal(ask.qty)
    if not opposite:
        may_open = sign > 0 or not held
        return opened(own, (SIZED if qty is None else qty) * sign, mode) if may_open else own
    exposure = abs(sum(opposite, ZERO))
    closing = exposure if qty is None else min(qty, exposure)
    rest = SIZED if qty is None else qty - closing
    after = [*own, *reduced(opposite, closing)]
    if not ask.reverse or not rest or (sign < 0 and own):
        return after
    return opened(after, rest * sign, mode)


def reduced(positions: Sequence[Decimal], closing: Decimal) -> list[Decimal]:
    """Positions less ``closing``, taken from the first ones."""
    left = []
    for qty in positions:
        part = min(abs(qty), closing)
        closing -= part
        if abs(qty) > part:
            left.append(qty - part.copy_sign(qty))
    return left


def opened(held: list[Decimal], qty: Decimal, mode: PositionMode) -> list[Decimal]:
    """Positions with an entry: one more on hedge accounts, else added."""
    if mode is PositionMode.HEDGE or not held:
        return [*held, qty]
    return [held[0] + qty]


def signal_of(account: SignalAccount, number: int, ask: Ask) -> ExecuteSignal:
    """The payload of a signal."""
    is_size = ask.action is SignalAction.POSITION_SIZE
    sizing = Sizing(kind=SizingKind.QTY, value=SIZED)
    return ExecuteSignal(
        signal_id=number,
        source_id=1,
        kind=SignalKind.TRADE,
        symbol=LINEAR,
        action=ask.action,
        strategy_id=0,
        rules=SignalRules(sizing=sizing, reverse=ask.reverse),
        expires_at=account.now + timedelta(hours=1),
        qty=None if ask.qty is None or is_size else Decimal(ask.qty),
        position_size=Decimal(ask.size) if is_size else None,
    )


async def check(mode: PositionMode, asks: Sequence[Ask], crashes: Iterator[str]) -> None:
    account = SignalAccount(mode, source="manual")
    price = Decimal(100)
    account.enqueue(PaperPrice(symbol=LINEAR, bid=price, ask=price))
    held: list[Decimal] = []
    for number, ask in enumerate(asks, start=1):
        account.enqueue(signal_of(account, number, ask))
        await account.run(crashes)
        held = expected(held, ask, mode)
        assert sorted(account.exposure()) == sorted(held), (number, ask)
        assert account.ledger.signals[number].status in (SignalStatus.DONE, SignalStatus.IGNORED)
        if ask.action is SignalAction.POSITION_SIZE:
            count = len(account.ledger.orders)
            account.enqueue(signal_of(account, 1000 + number, ask))
            await account.run(crashes)
            assert len(account.ledger.orders) == count
            assert account.ledger.signals[1000 + number].reason_code == "size_reached"
    legs = [command for command in account.commands if command.request_id is not None]
    assert len({command.request_id for command in legs}) == len(legs)
    sent = [order for order in account.ledger.orders.values() if order.signal_id is not None]
    assert len({order.command_id for order in sent}) == len(sent) == len(account.ledger.orders)


@settings(max_examples=count_examples(100), deadline=None)
@given(
    mode=st.sampled_from([PositionMode.HEDGE, PositionMode.NETTING]),
    asks=st.lists(ASKS, min_size=4, max_size=10),
    crashes=CRASHES,
)
def test_exposure_is_that_of_the_rules(
    mode: PositionMode, asks: list[Ask], crashes: list[str]
) -> None:
    asyncio.run(check(mode, asks, iter(crashes)))
