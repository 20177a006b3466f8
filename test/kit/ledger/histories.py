"""Random account histories for the comparison of a ledger book with the reference ledger.

A history is a position mode, an instrument and a list of steps; a step is a verb and numbers that
choose among the possibilities at that time. So any sublist of steps is a valid history, and
``shrink_history`` can remove steps that a difference does not need.
"""

import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import NamedTuple

from kit.builders import a_spot_instrument, an_instrument
from oms.domain.account import PositionMode
from oms.domain.instrument import Instrument, InstrumentKind

INVERSE = {"symbol": "BTC/USD:BTC", "kind": InstrumentKind.INVERSE, "quote": "USD", "settle": "BTC"}
INSTRUMENTS: tuple[Instrument, ...] = (
    an_instrument(),
    an_instrument(contract_size=Decimal("0.01")),
    an_instrument(**INVERSE),
    an_instrument(**INVERSE, contract_size=Decimal(100)),
    a_spot_instrument(),
    a_spot_instrument(),
)
STEPS = (
    *("send",) * 8,
    *("trade",) * 14,
    *("deliver",) * 16,
    *("close_by",) * 3,
    *("merge", "bust", "redeliver") * 2,
    *("cancel", "reassign", "commission", "funding"),
)
CHOICES = 8


class Step(NamedTuple):
    """An action, and the numbers that choose its details."""

    verb: str
    choices: tuple[int, ...]


class History(NamedTuple):
    """One account in one symbol."""

    mode: PositionMode
    instrument: Instrument
    steps: Sequence[Step]
    #: Also deliver facts that make earlier close-bys or merges impossible. The rules do not define
    #: the result, so only the invariants are checked.
    allows_impossible: bool = False


def random_history(seed: int) -> History:
    """A history of 10 to 60 steps, derived from ``seed``."""
    chance = random.Random(seed)
    mode = chance.choice(list(PositionMode))
    instrument = chance.choice(INSTRUMENTS)
    verbs = chance.choices(STEPS, k=chance.randint(10, 60))
    steps = [Step(v, tuple(chance.randrange(1000) for _ in range(CHOICES))) for v in verbs]
    return History(mode, instrument, steps, allows_impossible=seed % 10 == 9)


def choose_fee(
    instrument: Instrument, price: Decimal, qty: Decimal, number: int
) -> tuple[Decimal | None, str | None]:
    """A fee: none, in settle, base or a third currency; one in five is a rebate."""
    rate = Decimal("-0.0002") if number % 5 == 0 else Decimal("0.00055")
    match number // 5 % 5:
        case 0:
            return None, None
        case 1 if instrument.kind is InstrumentKind.SPOT:
            return qty * rate, instrument.base
        case 2:
            return rate * number, "BNB"
        case _ if instrument.kind is InstrumentKind.INVERSE:
            return round(qty * rate / price, 12), instrument.settle
        case _:
            return qty * price * rate, instrument.settle


def shrink_history(one: History, differs: Callable[[History], bool]) -> History:
    """A shorter history that still differs and from which no step can be removed."""
    size = len(one.steps)
    while size:
        at = 0
        while at < len(one.steps):
            shorter = one._replace(steps=[*one.steps[:at], *one.steps[at + size :]])
            if differs(shorter):
                one = shorter
            else:
                at += size
        size //= 2
    return one
