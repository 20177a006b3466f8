"""Findings of a verification: each names the row, the invariant and both values."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from oms.domain.money import decimal_text

FINDINGS_MAX = 1000
"""Maximum number of findings kept per account; further ones are only counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A violated invariant; ``entity`` and ``id`` name the row, all values are text."""

    invariant: str
    entity: str
    id: int | str
    expected: str
    found: str
    #: Column of an invalid value.
    column: str | None = None


@dataclass(slots=True)
class Findings:
    """The findings of one account, of which the first ``FINDINGS_MAX`` are kept."""

    account_id: int
    kept: list[Finding] = field(default_factory=list)
    omitted: int = 0

    @property
    def is_full(self) -> bool:
        """Whether further findings are only counted."""
        return len(self.kept) >= FINDINGS_MAX

    def add(self, findings: Iterable[Finding]) -> None:
        """Add findings."""
        for finding in findings:
            if self.is_full:
                self.omitted += 1
            else:
                self.kept.append(finding)

    def to_tuple(self) -> tuple[Finding, ...]:
        """Return the kept findings and, if any were omitted, one with their number."""
        if not self.omitted:
            return tuple(self.kept)
        omitted = Finding(
            invariant="findings_cut",
            entity="account",
            id=self.account_id,
            expected=f"at most {FINDINGS_MAX}",
            found=f"{self.omitted} more",
        )
        return (*self.kept, omitted)


def compare_values(
    invariant: str, entity: str, row_id: int | str, expected: object, found: object
) -> list[Finding]:
    """Return a finding if the two values differ."""
    if expected == found:
        return []
    return [make_finding(invariant, entity, row_id, expected, found)]


def make_finding(
    invariant: str, entity: str, row_id: int | str, expected: object, found: object
) -> Finding:
    """Return a finding with its values as text."""
    return Finding(
        invariant=invariant,
        entity=entity,
        id=row_id,
        expected=format_value(expected),
        found=format_value(found),
    )


def format_value(value: object) -> str:
    """Return a value as text."""
    match value:
        case Decimal():
            return decimal_text(value)
        case dict():
            return ", ".join(
                f"{format_value(amount)} {name}" for name, amount in sorted(value.items())
            )
        case None:
            return "nothing"
        case _:
            return str(value)
