"""Invariant of what an order names as its cause, as a pure function.

Signal and source of an order are those that the command which created it was stored with. The bot
is that of the command, or of the signal: commands before revision 0056 do not name it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from oms.domain.orders.order import Order
from oms.ports.command_queue import CommandRow
from oms.ports.signals.stored_signals import SignalRow
from oms.services.verify.findings import Finding, make_finding
from oms.wire.json import NotJson, loads

_CREATING = frozenset({"send_order", "close_position"})


def signal_named_by(command: CommandRow) -> int | None:
    """Return the signal that the payload of a command names, ``None`` of one without."""
    named = _payload_of(command).get("signal_id")
    return named if isinstance(named, int) else None


def check_order_links(
    command: CommandRow, orders: Mapping[int, Order], signals: Mapping[int, SignalRow]
) -> Iterator[Finding]:
    """Check that the order of a command names the command's signal, source and bot."""
    order = None if command.order_id is None else orders.get(command.order_id)
    if order is None or order.command_id != command.id or command.command_type not in _CREATING:
        return
    payload, signal_id = _payload_of(command), signal_named_by(command)
    source_id = payload.get("source_id", None if signal_id is None else order.source_id)
    bots = {payload.get("bot_id")}
    if "bot_id" not in payload and (signal := signals.get(signal_id or 0)) is not None:
        bots.add(signal.bot_id)
    bot_id = order.bot_id if order.bot_id in bots else payload.get("bot_id")
    expected = _links(signal_id, source_id, bot_id)
    found = _links(order.signal_id, order.source_id, order.bot_id)
    if expected != found:
        yield make_finding("order_signal", "order", order.id, expected, found)


def _links(signal_id: int | None, source_id: int | None, bot_id: int | None) -> str:
    return f"signal {signal_id}, source {source_id}, bot {bot_id}"


def _payload_of(command: CommandRow) -> Mapping[str, Any]:
    """Return the payload, an empty one if it is none: its value is checked elsewhere."""
    try:
        payload = loads(command.payload)
    except NotJson:
        return {}
    return payload if isinstance(payload, dict) else {}
