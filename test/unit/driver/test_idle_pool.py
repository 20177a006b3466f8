"""Reuse of idle connections: which ones a request may use."""

import pytest

from ccxt_driver.sansio import idle_pool
from ccxt_driver.sansio.idle_pool import IDLE_CONNECTIONS_MAX, IdlePool


class Connection:
    def __init__(self, *, is_open: bool = True) -> None:
        self.used_at = 0.0
        self.is_closed = False
        self._is_open = is_open

    def is_open(self) -> bool:
        return self._is_open

    def close(self) -> None:
        self.is_closed = True


def test_a_repeatable_request_may_try_every_open_connection() -> None:
    pool = IdlePool[Connection]()
    first, closed, last = Connection(), Connection(is_open=False), Connection()
    for each in (first, closed, last):
        pool.put(each)
    assert list(pool.candidates(is_repeatable=True)) == [last, first]
    assert closed.is_closed
    assert list(pool.candidates(is_repeatable=True)) == []


def test_an_old_connection_is_used_for_repeatable_requests_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(idle_pool, "IDLE_SECONDS_MAX", -1.0)
    pool = IdlePool[Connection]()
    connection = Connection()
    pool.put(connection)
    assert list(pool.candidates(is_repeatable=True)) == [connection]
    pool.put(connection)
    assert list(pool.candidates(is_repeatable=False)) == []
    assert connection.is_closed


def test_the_number_of_idle_connections_is_limited() -> None:
    pool = IdlePool[Connection]()
    connections = [Connection() for _ in range(IDLE_CONNECTIONS_MAX + 1)]
    for each in connections:
        pool.put(each)
    assert [each.is_closed for each in connections] == [False] * IDLE_CONNECTIONS_MAX + [True]
    assert pool.clear() == connections[:-1]
    assert pool.clear() == []
