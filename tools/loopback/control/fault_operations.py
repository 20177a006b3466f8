"""Operations on what goes wrong, and on what is remembered of requests."""

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Any

from loopback.control import account_operations
from loopback.control.context import LoopbackContext
from loopback.server.faults import Fault, FaultGroup, parse_fault
from loopback.server.request_filter import RateLimit

Json = dict[str, Any]


async def limit(desk: LoopbackContext, told: Mapping[str, Any]) -> Json:
    """``per_second`` private requests of a ``key`` (or of each), for ``seconds`` or for ever.

    With ``match`` only those to such paths.
    """
    seconds = told.get("seconds")
    row = RateLimit(
        per_second=int(told.get("per_second", 0)),
        ends=None if seconds is None else monotonic() + float(seconds),
        key=str(told.get("key", "")),
        match=str(told.get("match", "")),
    )
    desk.gate.allow(row)
    return {}


async def skew(desk: LoopbackContext, told: Mapping[str, Any]) -> Json:
    """``ms``: how far the time that requests are judged by is ahead."""
    desk.gate.skew_ms = int(told.get("ms", 0))
    return {}


async def fault(desk: LoopbackContext, told: Mapping[str, Any]) -> Json:
    """``mode``, ``match``, ``count``, ``after``, ``key`` and what the mode wants."""
    asked = parse_fault(dict(told))
    if asked.group is not FaultGroup.NOW:
        desk.gate.faults.add(asked)
        return {}
    match asked.mode:
        case "refuse_connect":
            await _refuse_connect(desk, asked)
        case "adl":
            return await account_operations.liquidate(desk, {**told, "kind": "adl"})
        case "skew":
            return await skew(desk, told)
        case _:
            return {"connections": desk.talks.inject_fault(asked)}
    return {}


async def faults(desk: LoopbackContext, told: Mapping[str, Any]) -> Json:
    """Those that still wait."""
    return {"faults": desk.gate.faults.listing()}


async def clear(desk: LoopbackContext, told: Mapping[str, Any]) -> Json:
    """No faults, no limits, no skew; what is held is sent, the ports are open."""
    desk.gate.faults.clear()
    desk.gate.limits.clear()
    desk.gate.skew_ms = 0
    desk.talks.release()
    await _open(desk)
    return {}


async def log(desk: LoopbackContext, told: Mapping[str, Any]) -> Json:
    """Requests after number ``after`` whose path has ``match``."""
    return {"log": desk.gate.logged(told)}


async def streams(desk: LoopbackContext, told: Mapping[str, Any]) -> Json:
    """The topics of each connection, the oldest first."""
    return {"streams": desk.talks.topics()}


async def reset(desk: LoopbackContext, told: Mapping[str, Any]) -> Json:
    """Everything as at the start; the log is empty."""
    await clear(desk, told)
    desk.venue.reset()
    desk.gate.log.clear()
    return {}


async def _refuse_connect(desk: LoopbackContext, asked: Fault) -> None:
    """The ports of the dialects are gone, for ``seconds`` or until ``clear``."""
    for listener in desk.listeners.values():
        await listener.close()
    seconds = asked.number("seconds", 0)
    if seconds:
        loop = asyncio.get_running_loop()
        loop.call_later(seconds, lambda: loop.create_task(_open(desk)))


async def _open(desk: LoopbackContext) -> None:
    for listener in desk.listeners.values():
        await listener.open()
