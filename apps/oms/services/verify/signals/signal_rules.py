"""Invariants of signals, as pure functions: a signal, its commands, its orders and its outcome.

A signal and its command are stored by one transaction, and so are its outcome and the end of its
command; a signal that was decided at its receipt has no command.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from oms.domain.commands.command import OWN_REQUEST_ID_PREFIX, CommandStatus
from oms.domain.orders.order import Order
from oms.domain.signals.signal import SignalStatus
from oms.ports.command_queue import CommandRow
from oms.ports.signals.stored_signals import SignalRow
from oms.services.verify.findings import Finding, compare_values, make_finding
from oms.wire.json import NotJson, loads, optional_decimal_text

_REQUEST_PREFIX = f"{OWN_REQUEST_ID_PREFIX}signal:"
#: A command that ended before it began is refused also where its signal was too late, or failed.
_COMMAND_STATUSES = {
    SignalStatus.QUEUED: (CommandStatus.QUEUED, CommandStatus.RUNNING),
    SignalStatus.DONE: (CommandStatus.DONE,),
    SignalStatus.IGNORED: (CommandStatus.DONE, CommandStatus.REFUSED),
    SignalStatus.BLOCKED: (CommandStatus.REFUSED,),
    SignalStatus.FAILED: (CommandStatus.FAILED, CommandStatus.REFUSED),
}
_WITH_ERROR = (SignalStatus.BLOCKED, SignalStatus.FAILED)


class Archived(NamedTuple):
    """Commands and orders that are in archive files."""

    commands: frozenset[int] = frozenset()
    orders: frozenset[int] = frozenset()


NOTHING_ARCHIVED = Archived()


def signal_id_of(command: CommandRow) -> int | None:
    """Return the signal that a command or a leg belongs to, ``None`` for any other command."""
    if command.request_id is None or not command.request_id.startswith(_REQUEST_PREFIX):
        return None
    text = command.request_id.removeprefix(_REQUEST_PREFIX).partition(":")[0]
    return int(text) if text.isdecimal() else 0


def check_signal_of_command(
    command: CommandRow, signals: Mapping[int, SignalRow]
) -> Iterator[Finding]:
    """Check that the signal of a command exists in its account and names the command."""
    signal_id = signal_id_of(command)
    if signal_id is None:
        return
    row = signals.get(signal_id)
    if row is None or row.account_id != command.account_id:
        expected = f"signal {signal_id} of account {command.account_id}"
        yield make_finding("command_signal", "command", command.id, expected, None)
    elif row.status is not SignalStatus.QUEUED and command.id not in row.command_ids:
        expected, found = f"command {command.id}", _numbers(row.command_ids)
        yield make_finding("signal_command", "signal", row.id, expected, found)


def check_signal(
    row: SignalRow,
    first: SignalRow | None,
    commands: Mapping[int, CommandRow],
    orders: Mapping[int, Order],
    archived: Archived = NOTHING_ARCHIVED,
) -> list[Finding]:
    """Check a signal with its commands and orders; ``first`` is the first row of its group."""
    findings = list(_row_findings(row, first))
    for command_id in _without(row.command_ids, archived.commands):
        command = commands.get(command_id)
        is_own = command is not None and command.account_id == row.account_id
        if command is None or not is_own or signal_id_of(command) != row.id:
            expected = f"command {command_id} of signal {row.id}"
            findings.append(make_finding("signal_command", "signal", row.id, expected, None))
    for order_id in _without(row.order_ids, archived.orders):
        order = orders.get(order_id)
        if order is None or (order.account_id, order.signal_id) != (row.account_id, row.id):
            expected = f"order {order_id} of signal {row.id}"
            findings.append(make_finding("signal_order", "signal", row.id, expected, None))
    if row.command_ids and (command := commands.get(row.command_ids[0])) is not None:
        findings += _command_findings(row, command)
    return findings


def _row_findings(row: SignalRow, first: SignalRow | None) -> Iterator[Finding]:
    """Check what needs no other table."""
    is_queued, is_done = row.status is SignalStatus.QUEUED, row.status is SignalStatus.DONE
    if (row.finished_at is None) is not is_queued:
        expected = "none" if is_queued else "a time"
        yield make_finding("signal_finished_at", "signal", row.id, expected, row.finished_at)
    if (row.reason_code is None) is not (is_queued or is_done):
        expected = f"{row.status.value}: {'no reason' if is_queued or is_done else 'a reason'}"
        yield make_finding("signal_outcome", "signal", row.id, expected, row.reason_code)
    if not row.command_ids and (is_queued or is_done):
        yield make_finding("signal_command", "signal", row.id, "a command", None)
    group = (row.source_id, row.kind.value, row.payload_hash)
    found = None if first is None else (first.source_id, first.kind.value, first.payload_hash)
    if group != found:
        expected = f"source, kind and body of signal {row.group_signal_id}"
        yield make_finding("signal_group", "signal", row.id, expected, "others" if found else None)


def _command_findings(row: SignalRow, command: CommandRow) -> Iterator[Finding]:
    """Check that the signal's command asks for it, and that both ended alike."""
    payload, error, result = (
        _decoded(text) for text in (command.payload, command.error, command.result)
    )
    facts: Mapping[str, Any] = {
        "signal_id": row.id,
        "source_id": row.source_id,
        "kind": row.kind.value,
        "symbol": row.symbol,
        "action": row.action.value,
        "strategy_id": row.strategy_id,
        "signal_price": optional_decimal_text(row.price),
    }
    for name, found in facts.items():
        yield from compare_values(
            "signal_terms", "signal", row.id, f"{name} {payload.get(name)}", f"{name} {found}"
        )
    if command.status not in _COMMAND_STATUSES[row.status]:
        found = f"{row.status.value}, its command {command.status.value}"
        yield make_finding("signal_outcome", "signal", row.id, "one outcome", found)
    elif row.status in _WITH_ERROR:
        reason = error.get("reason") or error.get("code")
        yield from compare_values("signal_outcome", "signal", row.id, reason, row.reason_code)
    if command.status.is_final and row.status is not SignalStatus.QUEUED:
        order_ids, position_ids = (
            tuple(result.get(name) or ()) for name in ("order_ids", "position_ids")
        )
        positions = () if row.position_id is None else (row.position_id,)
        for expected, found in ((order_ids, row.order_ids), (position_ids, positions)):
            yield from compare_values(
                "signal_result", "signal", row.id, _numbers(expected), _numbers(found)
            )


def _without(ids: tuple[int, ...], archived: frozenset[int]) -> list[int]:
    return [name for name in ids if name not in archived]


def _decoded(text: str | None) -> Mapping[str, Any]:
    """Return a JSON object, an empty one for anything else: its value is checked elsewhere."""
    try:
        decoded = loads(text or "{}")
    except NotJson:
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _numbers(ids: tuple[int, ...]) -> str:
    return ", ".join(map(str, ids))
