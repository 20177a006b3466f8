"""The orders of a signal: a table of what is held, what is asked for and what follows."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import decimal_text
from oms.domain.signals.plan import Holding, SignalPlan, cancels_entries, plan_signal
from oms.domain.signals.signal import (
    ExecuteSignal,
    SignalAction,
    SignalKind,
    SignalRules,
    Sizing,
    SizingKind,
)
from oms.domain.value import evolve

INSTRUMENT = Instrument(
    symbol="BTC/USDT",
    kind=InstrumentKind.LINEAR,
    base="BTC",
    quote="USDT",
    settle="USDT",
    tick=Decimal("0.01"),
    step=Decimal("0.1"),
    min_notional=Decimal(5),
)
SIGNAL = ExecuteSignal(
    signal_id=1,
    source_id=1,
    kind=SignalKind.TRADE,
    symbol="BTC/USDT",
    action=SignalAction.BUY,
    strategy_id=0,
    rules=SignalRules(sizing=Sizing(kind=SizingKind.QTY, value=Decimal(1))),
    expires_at=datetime(2026, 1, 1, tzinfo=UTC),
)


def plan(ask: str, held: str, *, can_short: bool = True) -> SignalPlan:
    """The plan of ``action [quantity | percent%] [reverse]``; held are signed quantities."""
    action, *rest = ask.split()
    rules = evolve(SIGNAL.rules, reverse="reverse" in rest)
    number = next((each for each in rest if each != "reverse"), None)
    signal = evolve(SIGNAL, action=SignalAction(action), rules=rules)
    qty = None
    if action == "position_size":
        signal = evolve(signal, position_size=Decimal(number or 0))
    elif number is not None and number.endswith("%"):
        signal = evolve(signal, qty_pct=Decimal(number[:-1]))
    elif number is not None:
        qty = Decimal(number)
    holdings = [
        Holding(position_id=index, qty=Decimal(each))
        for index, each in enumerate(held.split(), start=1)
    ]
    return plan_signal(signal, holdings, INSTRUMENT, can_short=can_short, qty=qty)


def text_of(made: SignalPlan) -> str:
    """A plan as text: ``-id[:qty]`` for each reduction, then the opening, then why not."""
    parts = [
        f"-{each.position_id}" + ("" if each.qty is None else f":{decimal_text(each.qty)}")
        for each in made.reductions
    ]
    if made.opening is not None:
        qty = made.opening.qty
        parts.append(f"{made.opening.side.value} {qty and decimal_text(qty)}")
    parts += [f"ignored {made.ignored}"] if made.ignored else []
    parts += [f"blocked {made.blocked}"] if made.blocked else []
    return ", ".join(parts)


CASES = [
    # ask, held, orders
    ("buy 1", "", "buy 1"),
    ("buy", "", "buy None"),
    ("buy 1", "2", "buy 1"),
    ("buy 10%", "2", "buy None"),
    ("sell 1", "", "sell 1"),
    ("sell", "", "sell None"),
    ("sell 1", "-2", "ignored short_not_allowed"),
    # The other side first, the oldest position before others; the rest is dropped.
    ("buy 1", "-2", "-1:1"),
    ("buy 3", "-2", "-1"),
    ("buy 3", "-2 -4", "-1, -2:1"),
    ("buy", "-2 -4", "-1, -2"),
    ("buy 50%", "-2 -4", "-1, -2:1"),
    ("buy 100%", "-2 -4", "-1, -2"),
    ("buy 0.05", "-2", "blocked min_order_qty"),
    ("sell 1", "2", "-1:1"),
    ("sell 3", "2", "-1"),
    ("sell 3", "2 -1", "-1"),
    ("sell 0.25", "2", "-1:0.2"),
    # With reverse the rest is opened, from flat only if it is a sale.
    ("buy 3 reverse", "-2", "-1, buy 1"),
    ("buy reverse", "-2", "-1, buy None"),
    ("sell 3 reverse", "2", "-1, sell 1"),
    ("sell 2 reverse", "2", "-1"),
    ("sell 2.05 reverse", "2", "-1"),
    ("sell 3 reverse", "2 -1", "-1"),
    ("buy 3 reverse", "-2 5", "-1, buy 1"),
    ("buy 50% reverse", "-2", "-1:1"),
    # All positions of the scope.
    ("close", "", "ignored no_position"),
    ("close", "2 -1", "-1, -2"),
    # A size is a state: the other side is closed, then the own one brought to it.
    ("position_size 2", "", "buy 2"),
    ("position_size 2", "2", "ignored size_reached"),
    ("position_size 2", "0.5 1.5", "ignored size_reached"),
    ("position_size 2", "0.5", "buy 1.5"),
    ("position_size 2", "3", "-1:1"),
    ("position_size 2", "1.5 3", "-1, -2:1"),
    ("position_size 2", "-1", "-1, buy 2"),
    ("position_size 2", "3 -1", "-2, -1:1"),
    ("position_size -1", "2", "-1, sell 1"),
    ("position_size -1", "-1", "ignored size_reached"),
    ("position_size 0", "2 -1", "-2, -1"),
    ("position_size 0", "", "ignored size_reached"),
    ("position_size 2.04", "2", "ignored size_reached"),
]


@pytest.mark.parametrize(("ask", "held", "orders"), CASES)
def test_orders_that_follow(ask: str, held: str, orders: str) -> None:
    assert text_of(plan(ask, held)) == orders


@pytest.mark.parametrize(
    ("ask", "held", "orders"),
    [
        ("sell 1", "", "ignored short_not_allowed"),
        ("sell 3 reverse", "2", "-1"),
        ("sell reverse", "2", "-1"),
        ("position_size -1", "", "ignored short_not_allowed"),
        ("position_size -1", "2", "-1, blocked short_not_allowed"),
        ("position_size 1", "", "buy 1"),
    ],
)
def test_where_no_short_position_is_possible(ask: str, held: str, orders: str) -> None:
    assert text_of(plan(ask, held, can_short=False)) == orders


def test_a_member_of_a_group_gets_its_share_of_a_size() -> None:
    signal = evolve(
        SIGNAL,
        action=SignalAction.POSITION_SIZE,
        position_size=Decimal(-3),
        ratio=Decimal("0.25"),
    )
    made = plan_signal(signal, [], INSTRUMENT, can_short=True, qty=None)
    assert text_of(made) == "sell 0.7"


def test_entries_are_canceled_before_everything_is_closed() -> None:
    flat = evolve(SIGNAL, action=SignalAction.POSITION_SIZE, position_size=Decimal(0))
    assert cancels_entries(flat)
    assert cancels_entries(evolve(SIGNAL, action=SignalAction.CLOSE))
    assert not cancels_entries(SIGNAL)
    assert not cancels_entries(evolve(flat, position_size=Decimal(1)))
