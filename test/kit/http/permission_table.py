"""The table of roles and flags as the page about security prints it, read independently.

Nothing of the code that decides is used: what the page says is what the tests expect.
"""

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "security.md"
#: Columns of the page, by their letters.
ROLE_BY_LETTER = {
    "A": "admin",
    "T": "trader",
    "P": "portfolio_manager",
    "B": "robot",
    "K": "risk",
    "R": "readonly",
}


@dataclass(frozen=True, slots=True)
class PermissionRow:
    """One action: the flags it needs, and the sign of each role."""

    action: str
    flags: str
    marks: dict[str, str]

    def allows(self, role: str, flags: set[str], *, is_restricted: bool = False) -> bool:
        """Whether a key of ``role`` with exactly these flags on an account may do it there."""
        if self.marks[role] == "–":
            return False
        if role == "admin":
            return True
        needed, _, special = self.flags.partition("; ")
        if special and special.startswith("K: ") and role == "risk":
            needed = special.removeprefix("K: ")
        if not needed:
            return True
        if "unrestricted key" in needed and (is_restricted or role == "robot"):
            return False
        words = re.findall(r"can_\w+", needed)
        held = [word in flags for word in words]
        fits = any(held) if " or " in needed else all(held)
        return fits and "can_read" in flags

    def needs_comment(self, role: str) -> bool:
        """Whether the role gives a comment with it."""
        return self.marks[role] == "c"


def load_permission_rows() -> dict[str, PermissionRow]:
    """The lines of the table by action."""
    found: dict[str, PermissionRow] = {}
    text = PAGE.read_text(encoding="utf-8")
    for row in re.findall(r"^\| (\w+) \|(.*)\|$", text, re.MULTILINE):
        cells = [cell.strip() for cell in row[1].split("|")]
        if len(cells) != 8 or row[0] == "action":
            continue
        signs = dict(zip(ROLE_BY_LETTER.values(), cells[2:], strict=True))
        found[row[0]] = PermissionRow(row[0], cells[1], signs)
    return found
