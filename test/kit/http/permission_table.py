"""Parses the permission table of docs/reference/security.md, independently of the code."""

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "security.md"
#: Role columns of the table by letter.
ROLE_BY_LETTER = {
    "A": "admin",
    "T": "trader",
    "P": "portfolio_manager",
    "B": "robot",
    "K": "risk",
    "R": "readonly",
}

#: Flags of a key on an account that permit something.
PERMISSION_FLAGS = (
    "can_read",
    "can_trade",
    "can_close_position",
    "can_risk_manage",
    "can_block_new_positions",
    "can_block_account",
)


@dataclass(frozen=True, slots=True)
class PermissionRow:
    """One action: required flags, and the mark of each role (``–`` no, ``c`` with comment)."""

    action: str
    flags: str
    marks: dict[str, str]

    def allows(self, role: str, flags: set[str], *, is_restricted: bool = False) -> bool:
        """Whether a key of ``role`` with exactly these account flags has the permission."""
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
        needed_flags = re.findall(r"can_\w+", needed)
        granted = [word in flags for word in needed_flags]
        is_granted = any(granted) if " or " in needed else all(granted)
        return is_granted and "can_read" in flags

    def needs_comment(self, role: str) -> bool:
        """Whether the role must give a comment."""
        return self.marks[role] == "c"


def load_permission_rows() -> dict[str, PermissionRow]:
    """The rows of the table by action."""
    rows: dict[str, PermissionRow] = {}
    text = PAGE.read_text(encoding="utf-8")
    for match in re.findall(r"^\| (\w+) \|(.*)\|$", text, re.MULTILINE):
        cells = [cell.strip() for cell in match[1].split("|")]
        if len(cells) != 8 or match[0] == "action":
            continue
        signs = dict(zip(ROLE_BY_LETTER.values(), cells[2:], strict=True))
        rows[match[0]] = PermissionRow(match[0], cells[1], signs)
    return rows
