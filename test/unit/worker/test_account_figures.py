"""Figures of a worker's accounts: counted again after a while only, streams with their age."""

from types import SimpleNamespace
from typing import Any

from oms.domain.account import Engine
from oms.ports.exchange import ConnectionState, StreamState
from oms.worker.account_figures import FIGURES_SECONDS, AccountFigures


def _state(stream: StreamState, stale: int = 0) -> Any:
    connection = ConnectionState(engine="ccxt", environment="live", stream=stream)
    return SimpleNamespace(
        account=SimpleNamespace(id=7, engine=Engine.CCXT),
        armed={},
        positions={1: None, 2: None},
        stale_symbols={f"S{number}" for number in range(stale)},
        exchange=SimpleNamespace(connection=lambda: connection),
    )


def test_a_stream_is_disconnected_since_it_was_first_seen_so() -> None:
    now = 100.0
    figures = AccountFigures(monotonic=lambda: now)
    for after, stream, seconds in (
        (0.0, StreamState.CONNECTING, {"7": 0.0}),
        (1.0, StreamState.CONNECTED, {"7": 0.0}),  # It is too early to count again.
        (FIGURES_SECONDS, StreamState.CONNECTING, {"7": FIGURES_SECONDS}),
        (2 * FIGURES_SECONDS, StreamState.CONNECTED, {"7": 0.0}),
        (3 * FIGURES_SECONDS, StreamState.CONNECTING, {"7": 0.0}),
        (4 * FIGURES_SECONDS, StreamState.NONE, {}),
    ):
        now = 100.0 + after
        assert figures.status_fields([_state(stream)])["streams"] == seconds, after


def test_positions_and_stale_symbols_are_counted() -> None:
    fields = AccountFigures().status_fields([_state(StreamState.CONNECTED, stale=3)])
    assert fields["protection"] == {"none": 2, "native": 0, "emulated": 0}
    assert (fields["stale_symbols"], fields["unpriced_accounts"]) == (3, 0)
