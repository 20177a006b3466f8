"""Control operations on faults, rate limits, the request log and streams."""

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Any

from loopback.control import account_operations
from loopback.control.context import LoopbackContext
from loopback.faults import Fault, FaultGroup, parse_fault
from loopback.server.request_filter import RateLimit

Json = dict[str, Any]


async def set_rate_limit(context: LoopbackContext, body: Mapping[str, Any]) -> Json:
    """Limits private requests ``per_second`` of a ``key`` (or each), for ``seconds`` or forever.

    With ``match`` only requests to matching paths.
    """
    seconds = body.get("seconds")
    limit = RateLimit(
        per_second=int(body.get("per_second", 0)),
        ends_at=None if seconds is None else monotonic() + float(seconds),
        key=str(body.get("key", "")),
        match=str(body.get("match", "")),
    )
    context.request_filter.set_limit(limit)
    return {}


async def set_skew(context: LoopbackContext, body: Mapping[str, Any]) -> Json:
    """Sets ``ms``: how far the clock that checks timestamps is ahead."""
    context.request_filter.skew_ms = int(body.get("ms", 0))
    return {}


async def add_fault(context: LoopbackContext, body: Mapping[str, Any]) -> Json:
    """Adds a fault: ``mode``, ``match``, ``count``, ``after``, ``key`` and options of the mode."""
    fault = parse_fault(dict(body))
    if fault.group is not FaultGroup.NOW:
        context.request_filter.faults.add(fault)
        return {}
    match fault.mode:
        case "refuse_connect":
            await _refuse_connect(context, fault)
        case "adl":
            return await account_operations.liquidate(context, {**body, "kind": "adl"})
        case "skew":
            return await set_skew(context, body)
        case _:
            return {"connections": context.stream_hub.inject_fault(fault)}
    return {}


async def list_faults(context: LoopbackContext, body: Mapping[str, Any]) -> Json:
    """Returns the waiting faults."""
    return {"faults": context.request_filter.faults.listing()}


async def clear(context: LoopbackContext, body: Mapping[str, Any]) -> Json:
    """Removes faults, limits and skew; sends held frames and opens the ports."""
    context.request_filter.faults.clear()
    context.request_filter.clear_limits()
    context.request_filter.skew_ms = 0
    context.stream_hub.release_held()
    await _open_ports(context)
    return {}


async def read_log(context: LoopbackContext, body: Mapping[str, Any]) -> Json:
    """Returns the requests after number ``after`` whose path contains ``match``."""
    return {"log": context.request_filter.read_log(body)}


async def list_streams(context: LoopbackContext, body: Mapping[str, Any]) -> Json:
    """Returns the topics of each connection, the oldest first."""
    return {"streams": context.stream_hub.topics()}


async def reset(context: LoopbackContext, body: Mapping[str, Any]) -> Json:
    """Resets everything to the initial state; clears the log."""
    await clear(context, body)
    context.venue.reset()
    context.request_filter.log.clear()
    return {}


async def _refuse_connect(context: LoopbackContext, fault: Fault) -> None:
    """Closes the ports of the dialects, for ``seconds`` or until ``clear``."""
    for listener in context.listeners.values():
        await listener.close()
    seconds = fault.number("seconds", 0)
    if seconds:
        loop = asyncio.get_running_loop()
        loop.call_later(seconds, lambda: loop.create_task(_open_ports(context)))


async def _open_ports(context: LoopbackContext) -> None:
    for listener in context.listeners.values():
        await listener.open()
