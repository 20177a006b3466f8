"""The trades of the demo follow from the seed."""

from collections import Counter
from datetime import timedelta

from oms.cli.demo.planned_trades import COIN, DAYS, HEDGE, NETTING, STRATEGIES, draw_trades

PAST = timedelta(days=DAYS)


def test_one_seed_draws_the_same_trades_and_another_one_others() -> None:
    assert draw_trades(3, PAST) == draw_trades(3, PAST)
    assert draw_trades(3, PAST) != draw_trades(4, PAST)


def test_there_are_about_two_hundred_and_some_of_each_account_stay_open() -> None:
    for seed in range(20):
        trades = draw_trades(seed, PAST)
        assert 180 <= len(trades) <= 240
        assert all(timedelta(0) < trade.opened_after < PAST for trade in trades)
        kept = Counter(t.account for t in trades if t.opened_after + t.held > PAST)
        assert kept[HEDGE] >= 17 and kept[NETTING] >= 1 and kept[COIN] == 2


def test_a_netting_account_has_one_trade_of_a_symbol_at_a_time() -> None:
    for symbol in {each for all_of in STRATEGIES[NETTING].values() for each in all_of}:
        trades = [t for t in draw_trades(11, PAST) if (t.account, t.symbol) == (NETTING, symbol)]
        ends = [trade.opened_after + trade.held for trade in trades]
        assert all(end < later.opened_after for end, later in zip(ends, trades[1:], strict=False))
