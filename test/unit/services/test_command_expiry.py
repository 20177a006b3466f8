"""Commands that waited too long in the queue are refused; a requested delay does not count."""

from datetime import timedelta

import pytest

from kit.ledger.memory_account import MemoryAccount
from oms.domain.account import PositionMode
from oms.domain.commands.command import SYSTEM_ACTOR, CancelOrder, SendOrder
from oms.domain.money import parse_decimal
from oms.domain.side import Side
from oms.domain.value import evolve

ORDER = SendOrder(
    symbol="BTC/USDT:USDT", side=Side.BUY, order_type="market", qty=parse_decimal("0.01")
)
SECOND, TWO_MINUTES = timedelta(seconds=1), timedelta(minutes=2)


async def error_code(
    queued_for: timedelta, held_for: timedelta | None = None, *, is_system: bool = False
) -> str | None:
    """Return the error of an order that was stored and held so long ago."""
    account = MemoryAccount(PositionMode.NETTING)
    command = account.enqueue(ORDER)
    if is_system:
        command = evolve(command, actor=SYSTEM_ACTOR)
    held_until = None if held_for is None else account.now - held_for
    account.commands[0] = evolve(
        command, created_at=account.now - queued_for, held_until=held_until
    )
    await account.process()
    error = account.state.work.results[command.id].error
    return None if error is None else error.code


@pytest.mark.parametrize(
    ("queued_for", "held_for", "is_expired"),
    [
        (SECOND, None, False),
        (TWO_MINUTES, None, True),
        (TWO_MINUTES, SECOND, False),
        (TWO_MINUTES, timedelta(seconds=90), True),
    ],
)
async def test_expiry(queued_for: timedelta, held_for: timedelta | None, is_expired: bool) -> None:
    code = await error_code(queued_for, held_for)
    assert (code == "command_expired") is is_expired, code


def test_the_time_in_the_queue_begins_after_the_delay() -> None:
    account = MemoryAccount(PositionMode.NETTING)
    command = account.enqueue(CancelOrder(order_ids=(1,)))
    assert command.queued_at == command.created_at
    delayed = evolve(command, held_until=command.created_at + TWO_MINUTES)
    assert delayed.queued_at == command.created_at + TWO_MINUTES


async def test_a_system_command_does_not_expire() -> None:
    assert await error_code(TWO_MINUTES, is_system=True) != "command_expired"
