"""The correction of one row: its request and its result."""

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
    """An item of an ``admin_mutate`` command, with the state of its account."""

    state: AccountState
    command: Command
    item: MutateItem
    changes: Changes
    now: datetime

    @property
    def name(self) -> str:
        """Return the client order id and trade id of what the item creates."""
        return f"admin:{self.command.id}:{self.item.index}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MutatedRow:
    """The corrected row, before and after."""

    id: int
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def not_mutable(column: str, alternative: str) -> Refused:
    """Refuse a column that follows from other columns or from executions."""
    message = f"{column} is not set manually: {alternative}"
    return Refused(code="column_not_mutable", reason=column, message=message)


def row_not_found(entity: str, row_id: int) -> Refused:
    """Refuse a row that the account does not have."""
    has_code = entity in ("order", "position")
    code = f"{entity}_not_found" if has_code else "not_found"
    return Refused(code=code, message=f"there is no {entity} {row_id} in this account")
