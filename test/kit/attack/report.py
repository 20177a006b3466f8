"""What attack programs did and found: counts per program, printed as one table."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

#: Codes of 5xx responses that are documented for overload, shutdown and waits.
DOCUMENTED_5XX = frozenset(
    {
        *("engine_unavailable", "database_unavailable", "shutting_down", "command_expired"),
        *("timeout", "outcome_unknown", "expired_before_send"),
        # Answers of the (paper) exchange, status 502.
        *("insufficient_funds", "exchange_rejected", "not_placed", "market_closed"),
        *("exchange_error", "exchange_unavailable", "auth_failed", "exchange_rate_limited"),
    }
)


@dataclass(slots=True)
class ProgramCounts:
    """Counts of one program."""

    probes: int = 0
    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    #: Probes that contradict what is expected, in words.
    unexpected: list[str] = field(default_factory=list)

    def count(self, status: int, code: str | None = None) -> None:
        """Count a response; an undocumented 5xx is unexpected."""
        self.requests += 1
        self.statuses[status] += 1
        if status >= 500 and (status == 500 or code not in DOCUMENTED_5XX):
            self.unexpected.append(f"status {status}, code {code}")

    def expect(self, holds: bool, description: str) -> None:
        """Record the description if a probe does not hold."""
        if not holds:
            self.unexpected.append(description)

    @property
    def refused(self) -> int:
        """Number of 4xx responses."""
        return sum(count for status, count in self.statuses.items() if 400 <= status < 500)

    @property
    def internal_errors(self) -> int:
        """Number of responses with status 500."""
        return self.statuses[500]


@dataclass(slots=True)
class AttackReport:
    """Counts of all programs of a run."""

    programs: dict[str, ProgramCounts] = field(default_factory=dict)

    def program(self, name: str) -> ProgramCounts:
        """The counts of a program."""
        return self.programs.setdefault(name, ProgramCounts())

    def table(self, seed: int, size: int, stalls: Mapping[str, int]) -> str:
        """The report as a Markdown table."""
        lines = [
            f"seed {seed}, size {size}",
            "",
            "| program | probes | requests | refused (4xx) | status 500 | unexpected |",
            "|---|---|---|---|---|---|",
        ]
        for name, counts in sorted(self.programs.items()):
            cells = (
                *(name, counts.probes, counts.requests, counts.refused),
                *(counts.internal_errors, len(counts.unexpected)),
            )
            lines.append(f"| {' | '.join(map(str, cells))} |")
        lines += ["", *(f"{name}: {count}" for name, count in stalls.items())]
        return "\n".join(lines)
