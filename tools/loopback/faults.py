"""Fault injection: a queue of requested faults, matched against requests and stream frames.

A fault is requested through the control port and waits until something matches it. Independent of
any dialect; the code that takes a fault from the queue executes it.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class FaultGroup(StrEnum):
    """At which point a fault applies."""

    #: The request is not processed.
    BEFORE = "before acceptance"
    #: The request is processed, its response is damaged.
    AFTER = "after acceptance"
    LOAD = "load"
    READ = "reads"
    #: A stream's connection, its authentication, or its frames.
    STREAM = "stream"
    MATCHING = "matching"
    #: Immediately, when it is requested.
    NOW = "now"


MODES = {
    FaultGroup.BEFORE: ("hang", "http", "close_before", "json", "html", "redirect", "slow_before"),
    FaultGroup.AFTER: (
        "accept_then_hang",
        "accept_then_http",
        "accept_then_close",
        "accept_then_truncate",
        "accept_then_json",
        "accept_then_html",
        "slow",
    ),
    FaultGroup.LOAD: ("rate_limit", "ban"),
    FaultGroup.READ: (
        "lag",
        "empty",
        "short_page",
        "null_fields",
        "no_trade_id",
        "shuffled",
        "missing_leg",
    ),
    FaultGroup.STREAM: (
        "refuse",
        "auth_refused",
        "silence",
        "drop",
        "dup",
        "dup_late",
        "hold",
        "delay",
    ),
    FaultGroup.MATCHING: ("partial", "reject", "late_fill", "child_orders"),
    FaultGroup.NOW: ("refuse_connect", "abort", "close", "adl", "skew"),
}
GROUPS = {mode: group for group, modes in MODES.items() for mode in modes}
_UNLIMITED_MODES = frozenset({"lag", "silence"})


class UnknownFault(ValueError):
    """The mode does not exist."""


@dataclass
class Fault:
    """Applies ``count`` more times (``None``: until cleared), after ``after`` more matches."""

    mode: str
    match: str = ""
    key: str = ""
    count: int | None = 1
    after: int = 0
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def group(self) -> FaultGroup:
        """At which point it applies."""
        return GROUPS[self.mode]

    def number(self, name: str, default: float) -> float:
        """Returns a numeric option."""
        return float(self.options.get(name, default))

    def text(self, name: str, default: str) -> str:
        """Returns an option as text."""
        return str(self.options.get(name, default))


def parse_fault(body: dict[str, Any]) -> Fault:
    """Returns the fault of a control request. Raises ``UnknownFault``."""
    mode = str(body.get("mode", ""))
    if mode not in GROUPS:
        raise UnknownFault(f"mode must be one of {', '.join(sorted(GROUPS))}")
    count = body.get("count", None if mode in _UNLIMITED_MODES else 1)
    return Fault(
        mode=mode,
        match=str(body.get("match", "")),
        key=str(body.get("key", "")),
        count=None if count is None else int(count),
        after=int(body.get("after") or 0),
        options={name: each for name, each in body.items() if name not in ("op", "mode")},
    )


class FaultQueue:
    """The faults that are waiting, in the order of their requests."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Adds a fault."""
        if fault.count != 0:
            self._waiting.append(fault)

    def clear(self) -> None:
        """Removes all faults."""
        self._waiting.clear()

    def listing(self) -> list[dict[str, Any]]:
        """Returns the waiting faults in the form of their requests."""
        return [
            fault.options | {"mode": fault.mode, "count": fault.count, "after": fault.after}
            for fault in self._waiting
        ]

    def take(self, group: FaultGroup, subject: str, key: str, *modes: str) -> Fault | None:
        """Returns the first fault that matches, and reduces its count; ``None`` without one.

        ``subject`` is a request line, a path or a topic, ``key`` the API key.
        """
        for fault in self._waiting:
            if fault.group is not group or (modes and fault.mode not in modes):
                continue
            if fault.match not in subject or fault.key not in ("", key):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            if fault.count is not None:
                fault.count -= 1
                if fault.count <= 0:
                    self._waiting.remove(fault)
            return fault
        return None
