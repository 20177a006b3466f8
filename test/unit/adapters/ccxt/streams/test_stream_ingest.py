"""Rows of streams that cannot be told once alone are left to a reading, and one is asked for."""

from types import SimpleNamespace
from typing import Any

import pytest

from kit.exchanges.scripted_venue import INSTRUMENTS, a_trade_row
from oms.adapters.ccxt.streams.stream_ingest import StreamIngest


@pytest.mark.parametrize(("name", "asks"), [("t1", []), ("", ["soon"])])
async def test_an_execution_without_an_id_is_left_to_a_reading(name: str, asks: list[str]) -> None:
    asked: list[str] = []
    heard: Any = SimpleNamespace(quarantine=lambda *row: None, instruments=INSTRUMENTS)
    rest: Any = dict.fromkeys(
        ("processor", "report_builder", "resolver", "report_buffer", "tasks", "timings")
    )
    watching = StreamIngest(
        client=heard,
        venue="bybit",
        sections=tuple,
        raw_rows=heard,
        poll_soon=lambda: asked.append("soon"),
        clock=rest.get,
        **rest,
    )
    await watching._process([(False, a_trade_row(name, "x1"))])
    assert asked == asks
