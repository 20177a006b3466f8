"""Candles that were watched: merged by time, not more than ccxt keeps."""

from ccxt_driver.candles import KEPT_MAX, merged


def test_what_was_told_last_stands_in_the_place_of_its_time() -> None:
    assert merged([[1, "a"], [2, "b"]], [[2, "c"], [3, "d"]]) == [[1, "a"], [2, "c"], [3, "d"]]
    assert merged([[5, "a"]], [[4, "b"]]) == [[4, "b"], [5, "a"]]
    assert merged([], []) == []


def test_the_oldest_go() -> None:
    kept = merged([[n] for n in range(KEPT_MAX)], [[KEPT_MAX]])
    assert (len(kept), kept[0], kept[-1]) == (KEPT_MAX, [1], [KEPT_MAX])
