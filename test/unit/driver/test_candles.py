"""The candle cache: merged by time, limited in size."""

from ccxt_driver.sansio.candles import CANDLES_MAX, merge_candles


def test_a_newer_candle_replaces_that_of_its_time() -> None:
    assert merge_candles([[1, "a"], [2, "b"]], [[2, "c"], [3, "d"]]) == [
        [1, "a"],
        [2, "c"],
        [3, "d"],
    ]
    assert merge_candles([[5, "a"]], [[4, "b"]]) == [[4, "b"], [5, "a"]]
    assert merge_candles([], []) == []


def test_the_oldest_candles_are_evicted() -> None:
    cached = merge_candles([[n] for n in range(CANDLES_MAX)], [[CANDLES_MAX]])
    assert (len(cached), cached[0], cached[-1]) == (CANDLES_MAX, [1], [CANDLES_MAX])
