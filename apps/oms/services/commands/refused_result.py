"""The result of a refused command."""

from oms.domain.commands.command import CommandResult, CommandStatus
from oms.domain.errors import Refused


def refused_result(refused: Refused, *, order_id: int | None = None) -> CommandResult:
    """Return the result of a refused command."""
    return CommandResult(status=CommandStatus.REFUSED, error=refused, order_id=order_id)
