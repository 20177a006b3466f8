"""The rule of stop levels as a table of cases."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.builders import NOON
from kit.databases.store_rows import a_position
from oms.domain.ledger.position import Position, PositionState
from oms.domain.protection.level_prices import level_from_percent
from oms.domain.protection.levels import Levels, PendingClose, StopKind
from oms.domain.protection.stop_rule import decide_stop, is_armed
from oms.domain.side import Side
from oms.domain.value import evolve

LOSS, GAIN, TRAILING, TIMEOUT = StopKind.LOSS, StopKind.GAIN, StopKind.TRAILING, StopKind.TIMEOUT


def held(side: str = "long", levels: dict[str, Any] | None = None, **prices: str) -> Position:
    """A position of 1 at 100, opened at ``NOON``, with levels."""
    is_long = side == "long"
    further = {
        name: each if isinstance(each, int) else Decimal(each)
        for name, each in (levels or {}).items()
    }
    return evolve(
        a_position(1, 1),
        side=Side.BUY if is_long else Side.SELL,
        qty=Decimal(1 if is_long else -1),
        avg_price=Decimal(100),
        state=PositionState.OPEN,
        opened_at=NOON,
        **{"stop_loss": None, "stop_gain": None}
        | {name: Decimal(price) for name, price in prices.items()},
        levels=Levels(**further) if levels is not None else None,
    )


TRAIL = {"stop_trailing_pct": "2"}
BEST = TRAIL | {"stop_trailing_best": "110"}
BEST_SHORT = TRAIL | {"stop_trailing_best": "90"}


@pytest.mark.parametrize(
    ("position", "price", "expected", "level"),
    [
        (held(stop_loss="98"), "98.01", None, None),
        (held(stop_loss="98"), "98", LOSS, "98"),
        (held(stop_loss="98"), "90", LOSS, "98"),
        (held(stop_gain="104.5"), "104.49", None, None),
        (held(stop_gain="104.5"), "104.5", GAIN, "104.5"),
        (held(stop_loss="98", stop_gain="104"), "100", None, None),
        (held("short", stop_loss="102"), "101.99", None, None),
        (held("short", stop_loss="102"), "102", LOSS, "102"),
        (held("short", stop_gain="95"), "95.01", None, None),
        (held("short", stop_gain="95"), "95", GAIN, "95"),
        (held(levels=BEST), "107.81", None, None),
        (held(levels=BEST), "107.8", TRAILING, "107.8"),
        (held("short", levels=BEST_SHORT), "91.79", None, None),
        (held("short", levels=BEST_SHORT), "91.8", TRAILING, "91.8"),
        # The tighter one counts and gives the reason.
        (held(levels=BEST, stop_loss="108"), "108", LOSS, "108"),
        (held(levels=BEST, stop_loss="98"), "107", TRAILING, "107.8"),
        (held(levels=BEST, stop_loss="107.8"), "107.8", LOSS, "107.8"),
        (
            held(levels={"stop_trailing_amount": "3", "stop_trailing_best": "110"}),
            *("107", TRAILING, "107"),
        ),
        (held(levels=TRAIL), "90", None, None),
        (held(levels={"max_hold_seconds": 60}), "100", TIMEOUT, None),
        (held(levels={"max_hold_seconds": 61}), "100", None, None),
        (held(levels={"max_hold_seconds": 60}, stop_loss="98"), None, TIMEOUT, None),
        (held(stop_loss="98"), None, None, None),
        (held(), "1", None, None),
    ],
)
def test_decisions(
    position: Position, price: str | None, expected: StopKind | None, level: str | None
) -> None:
    now = NOON + timedelta(seconds=60)
    decision = decide_stop(position, None if price is None else Decimal(price), now)
    assert decision.kind is expected
    assert decision.level == (None if level is None else Decimal(level))


@pytest.mark.parametrize(
    ("position", "prices", "best"),
    [
        (held(levels=TRAIL), ("99", "98", "98.5"), ("99", "99", "99")),
        (held(levels=TRAIL), ("101", "103", "102"), ("101", "103", "103")),
        (held("short", levels=TRAIL), ("101", "99", "100"), ("101", "99", "99")),
        (
            held(levels=TRAIL | {"stop_trailing_activation_pct": "5"}),
            ("104.99", "105", "106", "105"),
            (None, "105", "106", "106"),
        ),
        (
            held("short", levels=TRAIL | {"stop_trailing_activation_pct": "5"}),
            ("95.01", "95", "94"),
            (None, "95", "94"),
        ),
    ],
)
def test_best_price_only_improves(
    position: Position, prices: tuple[str, ...], best: tuple[str | None, ...]
) -> None:
    seen = []
    for price in prices:
        decision = decide_stop(position, Decimal(price), NOON)
        assert decision.kind is None
        levels = position.levels
        assert levels is not None
        position = evolve(position, levels=evolve(levels, stop_trailing_best=decision.best))
        seen.append(None if decision.best is None else str(decision.best))
    assert tuple(seen) == best


@pytest.mark.parametrize("kind", ["stop_loss", "stop_gain", "trailing", "timeout"])
def test_age_guard_holds_all_but_the_holding_time(kind: str) -> None:
    positions = {
        "stop_loss": held(stop_loss="98"),
        "stop_gain": held("short", stop_gain="98"),
        "trailing": held(levels=BEST),
        "timeout": held(levels={"max_hold_seconds": 1}),
    }
    now, guard = NOON + timedelta(seconds=6), timedelta(seconds=7)
    decision = decide_stop(positions[kind], Decimal(97), now, guard)
    assert (decision.kind is not None) is (kind == "timeout")
    after = decide_stop(positions[kind], Decimal(97), NOON + guard, guard)
    assert after.kind is not None


@pytest.mark.parametrize(
    ("base", "percent", "tick", "is_above", "expected"),
    [
        ("100.10", "4.5", "0.01", True, "104.6"),
        ("100.10", "1.5", "0.01", False, "98.6"),
        ("100", "4.5", "0.01", False, "95.5"),
        ("100", "0.0001", "0.01", True, "100.01"),
        ("100", "0.0001", "0.01", False, "99.99"),
        ("100.005", "0.0001", "0.01", True, "100.02"),
        ("100.005", "0.0001", "0.01", False, "99.99"),
        ("1", "0.5", "0.01", True, "1.01"),
        ("3", "0.5", "0.01", True, "3.02"),
        ("0.01", "50", "0.01", False, "0.01"),
    ],
)
def test_levels_from_percent(
    base: str, percent: str, tick: str, is_above: bool, expected: str
) -> None:
    level = level_from_percent(Decimal(base), Decimal(percent), Decimal(tick), is_above=is_above)
    assert level == Decimal(expected)


def test_what_is_armed() -> None:
    assert not is_armed(held())
    assert not is_armed(held(levels={}))
    assert not is_armed(evolve(held(stop_loss="98"), state=PositionState.CLOSED))
    assert is_armed(held(stop_gain="104"))
    assert is_armed(held(levels=TRAIL))
    pending = PendingClose(kind=LOSS, command_id=1)
    assert is_armed(evolve(held(), levels=Levels(pending_close=pending)))
