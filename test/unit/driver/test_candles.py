"""Candles that were watched: merged by time, not more than ccxt keeps."""

from ccxt_driver.sansio.candles import CANDLES_MAX, merge_candles


def test_what_was_told_last_stands_in_the_place_of_its_time() -> None:
    assert merge_candles([[1, "a"], [2, "b"]], [[2, "c"], [3, "d"]]) == [
        [1, "a"],
        [2, "c"],
        [3, "d"],
    ]
    assert merge_candles([[5, "a"]], [[4, "b"]]) == [[4, "b"], [5, "a"]]
    assert merge_candles([], []) == []


def test_the_oldest_go() -> None:
    kept = merge_candles([[n] for n in range(CANDLES_MAX)], [[CANDLES_MAX]])
    assert (len(kept), kept[0], kept[-1]) == (CANDLES_MAX, [1], [CANDLES_MAX])
