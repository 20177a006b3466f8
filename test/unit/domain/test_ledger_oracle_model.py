"""The oracle itself: it is small, imports no product code and reproduces the worked examples."""

import ast
import sys
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import pytest

from kit.ledger import equity_oracle, oracle
from kit.ledger.oracle import Oracle, OracleMove, OracleOrder, OracleTrade

ORACLE_LINES_MAX = 185


@pytest.mark.parametrize("module", [oracle, equity_oracle])
def test_the_oracle_is_small_and_independent(module: ModuleType) -> None:
    text = Path(module.__file__ or "").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= ORACLE_LINES_MAX
    tree = ast.parse(text)
    names = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names.discard(oracle.__name__)
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import)]


def _traded(mode: str, *trades: tuple[int, int, str, str], kind: str = "linear") -> Oracle:
    """Return an oracle after trades of (sign, strategy, quantity, price), one order each."""
    oracle = Oracle(mode=mode, kind=kind, size=Fraction(1), base="BTC")
    for number, (sign, strategy, qty, price) in enumerate(trades, 1):
        oracle.orders[number] = OracleOrder(sign=sign, strategy=strategy)
        oracle.trades[f"t{number}"] = OracleTrade(number, number, Fraction(qty), Fraction(price))
    oracle.replay()
    return oracle


def _profit(oracle: Oracle) -> Fraction:
    return sum((part.profit for part in oracle.parts), Fraction(0))


def test_the_oracle_knows_the_worked_examples() -> None:
    first = _traded("netting", (1, 0, "10", "150"), (1, 0, "5", "160"), (-1, 0, "5", "170"))
    assert (first.positions[0].q, first.positions[0].average) == (10, Fraction(460, 3))
    assert _profit(first) == Fraction(250, 3)
    flipped = _traded("netting", (1, 0, "10", "100"), (-1, 0, "15", "110"))
    assert [place.q for place in flipped.positions] == [0, -5]
    assert (_profit(flipped), flipped.positions[1].flipped) == (100, flipped.positions[0])
    apart = _traded(
        "strategy_netting", (1, 1, "1", "100"), (-1, 2, "1", "120"), (-1, 1, "1", "130")
    )
    assert (_profit(apart), [place.q for place in apart.positions]) == (30, [0, -1])
    inverse = _traded(
        *("netting", (1, 0, "100000", "10000"), (1, 0, "100000", "20000")),
        (-1, 0, "200000", "20000"),
        kind="inverse",
    )
    assert (_profit(inverse), inverse.positions[0].average) == (5, Fraction(40000, 3))


def test_the_oracle_closes_tickets_against_each_other() -> None:
    tickets = _traded("hedge", (1, 0, "2", "100"), (-1, 1, "1", "110"))
    assert (_profit(tickets), [place.q for place in tickets.positions]) == (0, [2, -1])
    one, two = (place.name for place in tickets.positions)
    tickets.moves["m1"] = OracleMove(9, one, two, Fraction(1))
    tickets.replay()
    assert [
        (part.position.name, part.profit) for part in tickets.parts if part.entry == "out_by"
    ] == [
        (one, 10),
        (two, 0),
    ]
    assert [place.q for place in tickets.positions] == [1, 0]
