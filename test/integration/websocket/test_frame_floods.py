"""Thousands of small frames in one segment do not hold the event loop."""

import asyncio
from collections.abc import Callable

import pytest

from kit.attack.raw_websocket import CONTINUATION, PING, PONG, TEXT, frame
from kit.http.http_server import serve_http
from kit.http.step_times import measure_steps
from oms.config_sections import EventSettings

STEP_SECONDS_MAX = 0.01
ATTEMPTS = 4
"""A step may be slowed by its machine: the fastest of some attempts counts."""

BYTES = 64 * 1024
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)
FLOODS = {
    "pings": frame(PING, b"") * (BYTES // 6),
    "pongs": frame(PONG, b"") * (BYTES // 6),
    "fragments": frame(TEXT, b"", is_last=False)
    + frame(CONTINUATION, b" ", is_last=False) * (BYTES // 7)
    + frame(CONTINUATION, b""),
}


@pytest.mark.parametrize("flood", FLOODS)
async def test_a_flood_of_small_frames(make_served: Callable[..., object], flood: str) -> None:
    longest = float("inf")
    async with make_served() as served:  # type: ignore[attr-defined]
        async with serve_http(served.gateway.app, events=EventSettings()) as server:
            for _ in range(ATTEMPTS):
                connection = await server.connect()
                connection.writer.write(UPGRADE)
                await connection.reader.readuntil(b"server-hello")
                with measure_steps() as times:
                    connection.writer.write(FLOODS[flood] + frame(PING, b"the last one"))
                    async with asyncio.timeout(30):
                        await connection.reader.readuntil(b"the last one")
                connection.writer.close()
                longest = min(longest, times.longest)
                if longest <= STEP_SECONDS_MAX:
                    break
    assert longest <= STEP_SECONDS_MAX
