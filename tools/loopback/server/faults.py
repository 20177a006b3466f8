"""Faults on purpose: what was asked to go wrong, with which requests or frames, how often.

A fault is asked for through the control port and waits until something matches it. It knows no
dialect; whoever meets one carries it out.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class FaultGroup(StrEnum):
    """When a fault strikes."""

    #: The request is never looked at.
    BEFORE = "before acceptance"
    #: The request is carried out, its answer is damaged.
    AFTER = "after acceptance"
    LOAD = "load"
    READ = "reads"
    #: A stream's dial, its sign-in, or what it tells.
    STREAM = "stream"
    MATCHING = "matching"
    #: At once, when it is asked for.
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
_LASTING = frozenset({"lag", "silence"})


class UnknownFault(ValueError):
    """A fault that nobody can carry out."""


@dataclass
class Fault:
    """``count`` more times, after ``after`` more matches; ``None`` is until it is cleared."""

    mode: str
    match: str = ""
    key: str = ""
    count: int | None = 1
    after: int = 0
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def group(self) -> FaultGroup:
        """When it strikes."""
        return GROUPS[self.mode]

    def number(self, name: str, usual: float) -> float:
        """One of its numbers."""
        return float(self.told.get(name, usual))

    def word(self, name: str, usual: str) -> str:
        """One of its words."""
        return str(self.told.get(name, usual))


def parse_fault(told: dict[str, Any]) -> Fault:
    """The fault that a control request describes. Raises ``NoSuchFault``."""
    mode = str(told.get("mode", ""))
    if mode not in GROUPS:
        raise UnknownFault(f"mode must be one of {', '.join(sorted(GROUPS))}")
    usual = None if mode in _LASTING else 1
    count = told.get("count", usual)
    return Fault(
        mode=mode,
        match=str(told.get("match", "")),
        key=str(told.get("key", "")),
        count=None if count is None else int(count),
        after=int(told.get("after") or 0),
        told={name: each for name, each in told.items() if name not in ("op", "mode")},
    )


class FaultQueue:
    """Those that wait, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let it wait."""
        if fault.count != 0:
            self._waiting.append(fault)

    def clear(self) -> None:
        """Nothing goes wrong from now on."""
        self._waiting.clear()

    def listing(self) -> list[dict[str, Any]]:
        """Those that wait, as they would be asked for."""
        return [
            fault.told | {"mode": fault.mode, "count": fault.count, "after": fault.after}
            for fault in self._waiting
        ]

    def take(self, group: FaultGroup, what: str, key: str, *modes: str) -> Fault | None:
        """The first that strikes ``what`` (a path, a topic) of ``key``; it is used up by one."""
        for fault in self._waiting:
            if fault.group is not group or (modes and fault.mode not in modes):
                continue
            if fault.match not in what or fault.key not in ("", key):
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
