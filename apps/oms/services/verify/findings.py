"""What a check of the books tells: findings, each naming the row and both values. No judgement."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from oms.domain.money import plain

FINDINGS_MAX = 1000
"""Findings told per account; a thousandth one adds nothing, the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One breach: ``entity`` and ``id`` name the row, all values are text."""

    invariant: str
    entity: str
    id: int | str
    expected: str
    found: str


@dataclass(slots=True)
class Findings:
    """The findings of one account, of which the first ``FINDINGS_MAX`` are kept."""

    account_id: int
    kept: list[Finding] = field(default_factory=list)
    left_out: int = 0

    @property
    def are_full(self) -> bool:
        """Whether more would only be counted."""
        return len(self.kept) >= FINDINGS_MAX

    def add(self, findings: Iterable[Finding]) -> None:
        """Note them."""
        for finding in findings:
            if self.are_full:
                self.left_out += 1
            else:
                self.kept.append(finding)

    def told(self) -> tuple[Finding, ...]:
        """All that is kept and, if some are not, how many."""
        if not self.left_out:
            return tuple(self.kept)
        cut = Finding(
            invariant="findings_cut",
            entity="account",
            id=self.account_id,
            expected=f"at most {FINDINGS_MAX}",
            found=f"{self.left_out} more",
        )
        return (*self.kept, cut)


def differing(
    invariant: str, entity: str, row_id: int | str, expected: object, found: object
) -> list[Finding]:
    """A finding if the two values differ."""
    if expected == found:
        return []
    return [breach(invariant, entity, row_id, expected, found)]


def breach(
    invariant: str, entity: str, row_id: int | str, expected: object, found: object
) -> Finding:
    """A finding, its values as text."""
    return Finding(
        invariant=invariant,
        entity=entity,
        id=row_id,
        expected=text_of(expected),
        found=text_of(found),
    )


def text_of(value: object) -> str:
    """A value as findings tell it."""
    match value:
        case Decimal():
            return plain(value)
        case dict():
            return ", ".join(f"{text_of(amount)} {name}" for name, amount in sorted(value.items()))
        case None:
            return "nothing"
        case _:
            return str(value)
