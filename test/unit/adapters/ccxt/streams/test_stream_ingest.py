"""Stream rows that cannot be identified are left to polling, and a poll is requested."""

from types import SimpleNamespace
from typing import Any

import pytest

from kit.exchanges.scripted_venue import INSTRUMENTS, a_trade_row
from oms.adapters.ccxt.streams.stream_ingest import StreamIngest


@pytest.mark.parametrize(("name", "expected"), [("t1", []), ("", ["soon"])])
async def test_an_execution_without_an_id_is_left_to_polling(
    name: str, expected: list[str]
) -> None:
    polls: list[str] = []
    stub: Any = SimpleNamespace(quarantine=lambda *row: None, instruments=INSTRUMENTS)
    rest: Any = dict.fromkeys(
        ("processor", "report_builder", "resolver", "report_buffer", "tasks", "timings")
    )
    ingest = StreamIngest(
        client=stub,
        venue="bybit",
        sections=tuple,
        raw_rows=stub,
        poll_soon=lambda: polls.append("soon"),
        clock=rest.get,
        **rest,
    )
    await ingest._process([(False, a_trade_row(name, "x1"))])
    assert polls == expected
