"""Quantities of opening orders: the worked examples, rounding, minimums, and what refuses."""

from decimal import Decimal

import pytest

from kit.builders import NOON
from oms.domain.errors import Refused
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.signals.reason_text import reason_text
from oms.domain.signals.signal import (
    ExecuteSignal,
    SignalAction,
    SignalKind,
    SignalRules,
    Sizing,
    SizingKind,
)
from oms.domain.signals.sizing import (
    SizingInputs,
    message_quantity,
    needs_equity,
    opening_quantity,
    refuse_pyramiding,
    refuse_slippage,
    size_of_member,
)
from oms.domain.value import evolve

INSTRUMENT = Instrument(
    symbol="BTC/USDT",
    kind=InstrumentKind.LINEAR,
    base="BTC",
    quote="USDT",
    settle="USDT",
    tick=Decimal("0.01"),
    step=Decimal("0.001"),
    min_notional=Decimal(5),
)


def signal_of(kind: str = "qty", value: str = "1", **changes: object) -> ExecuteSignal:
    signal = ExecuteSignal(
        signal_id=1,
        source_id=1,
        kind=SignalKind.TRADE,
        symbol="BTC/USDT",
        action=SignalAction.BUY,
        strategy_id=0,
        rules=SignalRules(sizing=Sizing(kind=SizingKind(kind), value=Decimal(value))),
        expires_at=NOON,
    )
    return evolve(signal, **changes)


def inputs(price: str | None = "100", **changes: object) -> SizingInputs:
    made = SizingInputs(
        instrument=INSTRUMENT,
        price=None if price is None else Decimal(price),
        equity=Decimal(10_000),
        cash=Decimal(10_000),
    )
    return evolve(made, **changes)


def sized(signal: ExecuteSignal, given: SizingInputs) -> str:
    """The quantity as text, else the reason of the refusal."""
    qty = opening_quantity(signal, given)
    return str(qty.reason) if isinstance(qty, Refused) else f"{qty.normalize():f}"


@pytest.mark.parametrize(
    ("kind", "value", "price", "more", "expected"),
    [
        ("qty", "1.2345", "100", {}, "1.234"),
        ("qty", "1", None, {}, "1"),
        ("notional", "50", "100", {}, "0.5"),
        ("notional", "100", "3", {}, "33.333"),
        ("notional", "50", None, {}, "risk_no_price"),
        ("pct_equity", "10", "103", {}, "9.708"),
        ("pct_equity", "10", "100", {"equity": None}, "risk_no_price"),
        ("pct_equity", "10", "100", {"equity": Decimal(-5)}, "min_order_qty"),
        ("risk_pct", "1", "100", {"stop_loss": Decimal("98.5")}, "66.666"),
        ("risk_pct", "1", "100", {"stop_loss": Decimal("101.5")}, "66.666"),
        ("risk_pct", "1", "100", {}, "sizing_needs_stop"),
        ("risk_pct", "1", "100", {"stop_loss": Decimal(100)}, "invalid_stops"),
        # Half-even, then what the cash pays for with its fee.
        ("position_pct", "95", "103.0515", {}, "92.187"),
        ("position_pct", "50", "1", {"equity": Decimal("10.001"), "cash": None}, "5"),
        ("position_pct", "50", "1", {"equity": Decimal("10.003"), "cash": None}, "5.002"),
        ("position_pct", "100", "100", {"fee_rate": Decimal("0.001")}, "99.9"),
        ("qty", "0.0009", "100", {}, "min_order_qty"),
        ("qty", "0.049", "100", {}, "min_order_notional"),
        ("qty", "0.05", "100", {}, "0.05"),
    ],
)
def test_quantity_of_a_kind(
    kind: str, value: str, price: str | None, more: dict[str, object], expected: str
) -> None:
    assert sized(signal_of(kind, value), inputs(price, **more)) == expected


def test_the_message_comes_before_the_source() -> None:
    assert sized(signal_of("risk_pct", "1", qty=Decimal(2)), inputs()) == "2"
    assert sized(signal_of("risk_pct", "1", notional=Decimal(50)), inputs()) == "0.5"
    assert sized(signal_of("risk_pct", "1", qty_pct=Decimal(10)), inputs("103")) == "9.708"
    assert message_quantity(signal_of(notional=Decimal(50)), INSTRUMENT, Decimal(100)) == Decimal(
        "0.5"
    )
    assert message_quantity(signal_of(), INSTRUMENT, None) is None
    assert isinstance(message_quantity(signal_of(notional=Decimal(5)), INSTRUMENT, None), Refused)


def test_what_the_equity_is_read_for() -> None:
    assert [needs_equity(signal_of(kind)) for kind in SizingKind] == [False, False, *[True] * 3]
    assert not needs_equity(signal_of("risk_pct", qty=Decimal(1)))
    assert needs_equity(signal_of(qty_pct=Decimal(1)))


def test_a_member_of_a_group_gets_its_share_rounded_down() -> None:
    assert sized(signal_of(qty=Decimal(1), ratio=Decimal("0.3333")), inputs()) == "0.333"


def test_an_inverse_contract_loses_in_its_base() -> None:
    inverse = evolve(
        INSTRUMENT, kind=InstrumentKind.INVERSE, contract_size=Decimal(100), step=Decimal(1)
    )
    given = inputs("100", instrument=inverse, stop_loss=Decimal(80))
    # One contract of 100 loses 100 * (1/80 - 1/100) = 0.25 base, worth 25 at the price of 100.
    assert sized(signal_of("risk_pct", "1"), given) == "4"
    assert sized(signal_of("notional", "250"), evolve(given, stop_loss=None)) == "2"


def test_a_price_far_from_the_signal_is_refused() -> None:
    signal, limit = signal_of(signal_price=Decimal(100)), Decimal(1)
    assert refuse_slippage(signal, Decimal(101), limit) is None
    assert refuse_slippage(signal, Decimal(150), Decimal(0)) is None
    assert refuse_slippage(signal_of(), Decimal(150), limit) is None
    for price in ("101.01", "98.99"):
        refused = refuse_slippage(signal, Decimal(price), limit)
        assert refused is not None
        expected = f"signal_slippage (price={price},signal_price=100,pct=1.01,limit=1)"
        assert reason_text(refused, "BTC/USDT") == expected
    unknown = refuse_slippage(signal, None, limit)
    assert unknown is not None and unknown.reason == "risk_no_price"


def test_entries_at_the_same_time_are_limited() -> None:
    assert refuse_pyramiding(7, 0) is None
    assert refuse_pyramiding(1, 2) is None
    refused = refuse_pyramiding(2, 2)
    assert refused is not None
    assert reason_text(refused, "X") == "pyramiding_limit (entries=2,limit=2)"


@pytest.mark.parametrize(
    ("reason", "value", "limit", "text"),
    [
        ("max_total_open_reached", 6, 5, "max_total_open_reached (total=5,limit=5)"),
        (
            "max_symbol_open_reached",
            3,
            2,
            "max_symbol_open_reached (symbol=BTC/USDT,count=2,limit=2)",
        ),
        (
            "max_size_per_position_exceeded",
            100,
            10,
            "max_size_per_position_exceeded (notional=100,limit=10)",
        ),
        ("new_positions_disabled", None, None, "new_positions_disabled"),
    ],
)
def test_reasons_are_one_line(reason: str, value: int | None, limit: int | None, text: str) -> None:
    refused = Refused(
        code="risk_blocked",
        reason=reason,
        message="m",
        value=None if value is None else Decimal(value),
        limit=None if limit is None else Decimal(limit),
    )
    assert reason_text(refused, "BTC/USDT") == text


_THIRD = {"ratio": Decimal(1), "ratio_total": Decimal(3), "equity_weight": Decimal(2)}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ratio": Decimal("0.5")}, "1.5"),
        (_THIRD, "1"),  # Exact: a third of 3 is not 0.999.
        (_THIRD | {"ratio": Decimal(2)}, "2"),
        (_THIRD | {"qty": None, "qty_pct": Decimal(1)}, "2"),  # 1 % of its own equity, twice.
    ],
)
def test_a_member_of_a_group_gets_its_share(changes: dict[str, object], expected: str) -> None:
    signal = signal_of(**({"qty": Decimal(3)} | changes))
    assert opening_quantity(signal, inputs()) == Decimal(expected)


def test_an_unknown_share_opens_nothing() -> None:
    unknown = {"ratio": Decimal(0), "ratio_total": Decimal(0), "equity_weight": Decimal(1)}
    sized = signal_of(**unknown)
    refused = opening_quantity(sized, inputs())
    assert isinstance(refused, Refused) and refused.reason == "group_equity_unknown"
    assert isinstance(message_quantity(evolve(sized, qty=Decimal(1)), INSTRUMENT, None), Refused)
    assert message_quantity(sized, INSTRUMENT, None) is None, "it may close all of the other side"


@pytest.mark.parametrize(
    ("size", "total", "expected"), [("-3", "3", "-1"), ("0", "0", "0"), ("1", "3", "0.333")]
)
def test_a_size_of_a_member_is_cut_to_the_step(size: str, total: str, expected: str) -> None:
    share = {"ratio": Decimal(1), "ratio_total": Decimal(total), "equity_weight": Decimal(1)}
    action = SignalAction.POSITION_SIZE
    signal = signal_of("pct_equity", action=action, position_size=Decimal(size), **share)
    assert size_of_member(signal, INSTRUMENT.step) == Decimal(expected)
