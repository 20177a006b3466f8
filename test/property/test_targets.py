"""Several targets never close more than is held, whatever is entered and closed in between."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.ledger.position import Fill, Position, apply_fill
from oms.domain.protection.levels import Levels, Target
from oms.domain.protection.stop_rule import decide_stop
from oms.domain.protection.targets import share_of, with_reached
from oms.domain.side import Side
from oms.domain.value import evolve

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STEP = Decimal("0.01")
INSTRUMENT = Instrument(
    symbol="SOL/USDT:USDT",
    kind=InstrumentKind.LINEAR,
    base="SOL",
    quote="USDT",
    settle="USDT",
    tick=STEP,
    step=STEP,
    min_notional=Decimal(5),
)
SHARES = st.lists(st.integers(1, 100), min_size=1, max_size=5).map(
    lambda parts: [Decimal(p) * 100 / max(sum(parts), 100) for p in parts]
)
#: Either a price, as the number of targets that it passes, or a quantity entered or closed.
STEPS = st.lists(
    st.tuples(st.sampled_from(["price", "enter", "close"]), st.integers(0, 300)), max_size=12
)


def fill(position: Position, steps: int) -> Position:
    """The position after a fill of so many steps; negative ones close a long position."""
    delta = STEP * steps if position.side is Side.BUY else -STEP * steps
    entry = Fill(delta, Decimal(100), None, None, "api", NOW, NOW)
    return apply_fill(position, INSTRUMENT, entry)[0]


@given(
    shares=SHARES,
    entry=st.integers(1, 500),
    steps=STEPS,
    side=st.sampled_from(Side),
    ends_at_all=st.booleans(),
)
def test_targets_close_at_most_what_is_held(
    shares: list[Decimal],
    entry: int,
    steps: list[tuple[str, int]],
    side: Side,
    ends_at_all: bool,
) -> None:
    sign = 1 if side is Side.BUY else -1
    targets = tuple(
        Target(qty_pct=share, price=Decimal(100 + sign * (n + 1))) for n, share in enumerate(shares)
    )
    position = Position(
        id=1, account_id=1, symbol="SOL/USDT:USDT", strategy_id=0, side=side, identifier=1,
        opened_at=NOW, updated_at=NOW,
    )  # fmt: skip
    position = evolve(fill(position, entry), levels=Levels(targets=targets))
    closed_by: list[int] = []
    for kind, number in (*steps, ("price", 300 if ends_at_all else 0)):
        if not position.qty:
            break
        held = int(position.qty.copy_abs() / STEP)
        if kind == "enter":
            position = fill(position, number + 1)
        elif kind == "close":
            position = fill(position, -min(number, held - 1)) if min(number, held - 1) else position
        else:
            price = Decimal(100 + sign * min(number, 99))
            decision = decide_stop(position, price, NOW)
            if not decision.targets:
                continue
            assert position.levels is not None
            closed_by += decision.targets
            qty = share_of(position, decision.targets, INSTRUMENT)
            levels = with_reached(position.levels, decision.targets)
            position = evolve(position, levels=levels)
            share = position.qty.copy_abs() if qty is None else qty
            assert 0 <= share <= position.qty.copy_abs()
            assert share % STEP == 0
            if share:
                position = fill(position, -int(share / STEP))
    assert len(closed_by) == len(set(closed_by)), "each target acts once"
    if ends_at_all and sum(map(Fraction, shares)) >= 100:
        assert position.qty == 0, "a whole 100 leaves nothing"
