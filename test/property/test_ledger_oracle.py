"""The ledger against an independent oracle, over random account histories.

``ORACLE_HISTORIES`` sets the number of histories; each number is the seed of one history.
"""

import os
from copy import deepcopy
from fractions import Fraction

import pytest

from kit.ledger.histories import History, random_history, shrink_history
from kit.ledger.history_run import compare_history, play_history
from kit.ledger.oracle import Oracle
from kit.run_size import count_examples
from oms.domain.ledger.deal import DealType
from oms.domain.value import evolve

HISTORIES = int(os.environ.get("ORACLE_HISTORIES") or count_examples(1500))
CHUNKS = 10
FEW = 200


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_the_ledger_agrees_with_the_oracle(chunk: int) -> None:
    for seed in range(chunk, HISTORIES, CHUNKS):
        if compare_history(random_history(seed))[0]:
            least = shrink_history(random_history(seed), lambda one: bool(compare_history(one)[0]))
            raise AssertionError(f"history {seed}, shrunk:\n{_history_text(least)}")


def _history_text(one: History) -> str:
    differ, log = compare_history(one)
    instrument = one.instrument
    head = f"{one.mode} {instrument.kind}, contract size {instrument.contract_size}"
    return "\n".join([head, *log, *differ])


def test_a_difference_is_found() -> None:
    rehearsal = next(
        one for one in map(play_history, map(random_history, range(99))) if one.book.deals
    )
    book, differences = rehearsal.book, rehearsal.differences
    assert differences() == []
    for field in ("profit", "qty", "fee"):
        deal = book.deals[-1]
        book.deals[-1] = evolve(deal, **{field: (getattr(deal, field) or 0) + 1})
        assert differences(), field
        book.deals[-1] = deal
    for field in ("qty", "cost", "avg_price", "profit", "realized_pnl", "qty_opened", "max_qty"):
        position = next(one for one in book.positions.values() if one.qty_opened)
        book.positions[position.id] = evolve(position, **{field: getattr(position, field) + 1})
        assert differences(), field
        book.positions[position.id] = position


def test_a_difference_in_the_value_of_a_fee_is_found() -> None:
    """Another rate, or none, of a fee that belongs to a position.

    Deals that reverse others do not count: their fees have no value of their own.
    """
    found = 0
    for seed in range(40):
        run = play_history(random_history(seed)._replace(allows_impossible=False))
        assert run.differences() == []
        for number, deal in enumerate(run.book.deals):
            is_live = deal.exchange_trade_id not in run.busted and deal.position_id
            if deal.fee_rate is None or not deal.fee or not is_live:
                continue
            wrong = evolve(deal.fee_rate, rate=deal.fee_rate.rate + 1)
            for rate in (wrong, None):
                run.book.deals[number] = evolve(deal, fee_rate=rate)
                is_reversed = deal.type is DealType.CORRECTION
                assert bool(run.differences()) is not is_reversed, (seed, deal)
                found += not is_reversed
            run.book.deals[number] = deal
    assert found


def test_a_history_is_shrunk_to_what_differs() -> None:
    sends = [step for step in random_history(3).steps if step.verb == "send"]
    assert len(sends) > 1
    least = shrink_history(
        random_history(3), lambda one: any(step.verb == "send" for step in one.steps)
    )
    assert [step.verb for step in least.steps] == ["send"]


def test_profit_is_what_cash_says_at_any_mark() -> None:
    for seed in range(FEW):
        oracle = play_history(random_history(seed)._replace(allows_impossible=False)).oracle
        standing = [one for i, one in oracle.trades.items() if i not in oracle.busted]
        for mark in (Fraction(1), Fraction(100), Fraction(700, 3)):
            held = sum((one.q for one in oracle.positions), Fraction(0))
            profit = sum((part.profit for part in oracle.parts), Fraction(0))
            costs = sum((one.c for one in oracle.positions), Fraction(0))
            flow = sum((-_moved(oracle, one) * oracle.v(one.p) for one in standing), Fraction(0))
            # Coins that were sold beyond what positions held have no profit.
            flow += sum((p.d * p.value for p in oracle.parts if p.position is None), Fraction(0))
            exact = oracle.size * (flow + held * oracle.v(mark))
            assert profit + oracle.size * (held * oracle.v(mark) - costs) == exact


def _moved(oracle: Oracle, trade: object) -> Fraction:
    order, q, fee, currency = (
        getattr(trade, name) for name in ("order_id", "q", "fee", "currency")
    )
    in_base = oracle.kind == "spot" and currency == oracle.base
    moved: Fraction = oracle.orders[order].sign * q - (fee or 0) * in_base
    return moved


def test_split_trades_give_the_same_book() -> None:
    for seed in range(FEW):
        whole = play_history(random_history(seed)._replace(allows_impossible=False)).oracle
        cut = deepcopy(whole)
        for i, trade in whole.trades.items():
            half = trade._replace(q=trade.q / 3, fee=None if trade.fee is None else trade.fee / 3)
            rest = half._replace(q=trade.q - half.q, fee=half.fee and trade.fee - half.fee)
            del cut.trades[i]
            cut.trades |= {f"t{int(i[1:]) * 10:08}": half, f"t{int(i[1:]) * 10 + 1:08}": rest}
            for number in (0, 1):
                one = f"t{int(i[1:]) * 10 + number:08}"
                if i in whole.busted:
                    cut.busted[one] = True
                if i in whole.position_names:
                    cut.position_names[one] = whole.position_names[i]
                    cut.further_names[one] = whole.further_names.get(i, ())
        cut.replay()
        assert _standing(cut) == _standing(whole), seed


def _standing(oracle: Oracle) -> list[tuple[object, ...]]:
    profits = [
        sum((part.profit for part in oracle.parts if part.position is one), Fraction(0))
        for one in oracle.positions
    ]
    return [
        (one.strategy, one.sign, one.q, one.c, one.average, one.opened, one.closed, profit)
        for one, profit in zip(oracle.positions, profits, strict=True)
    ]
