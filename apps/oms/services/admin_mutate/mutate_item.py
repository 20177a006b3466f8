"""One row to be set right: what is asked of which account, and what came of it. Nothing is done."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from oms.domain.commands.account_commands import MutateItem
from oms.domain.commands.command import Command
from oms.domain.errors import Refused
from oms.services.account_state.state import AccountState
from oms.services.ledger.record import Changes


@dataclass(frozen=True, slots=True, kw_only=True)
class MutateTask:
    """An item of a command, at the home of its account."""

    state: AccountState
    command: Command
    item: MutateItem
    changes: Changes
    now: datetime

    @property
    def name(self) -> str:
        """What trades and orders that it makes are called; unique in the account."""
        return f"admin:{self.command.id}:{self.item.index}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MutatedRow:
    """The row that was set right, and how it looked before and looks now."""

    id: int
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def not_mutable(column: str, way: str) -> Refused:
    """A column that follows from others, or from what happened."""
    message = f"{column} is not set by hand: {way}"
    return Refused(code="column_not_mutable", reason=column, message=message)


def row_not_found(entity: str, row_id: int) -> Refused:
    """The account has no such row."""
    known = entity in ("order", "position")
    code = f"{entity}_not_found" if known else "not_found"
    return Refused(code=code, message=f"there is no {entity} {row_id} in this account")
