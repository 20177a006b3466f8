"""The hash chain of the commands: links are appended by housekeeping, and only read otherwise."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from oms.domain.command_chain import CommandLink, CommandRecord
from oms.ports.audit_log import ChainHead


class LinkedCommand(NamedTuple):
    """A link and its command; ``None`` if the command does not exist."""

    link: CommandLink
    record: CommandRecord | None
    #: The command is in an archive file, which ``oms archive verify`` compares with its links.
    is_archived: bool = False


class StoredCommands(NamedTuple):
    """Commands of a range of ids: those that are linked, and the last id of the range."""

    records: Sequence[CommandRecord]
    last_id: int


class CommandChain(Protocol):
    """Reads and appends links. Calls that only read an exchange are not linked.

    Every method raises ``Unavailable``.
    """

    async def head(self) -> ChainHead | None:
        """Return the end of the chain; ``None`` if its row is missing."""
        ...

    async def last_command_id(self) -> int:
        """Return the highest id of a linked command; 0 without one."""
        ...

    async def last_linked_at(self) -> datetime | None:
        """Return the creation time of the command of the last link; ``None`` without one."""
        ...

    async def commands_after(self, command_id: int, limit: int) -> StoredCommands | None:
        """Return the next ``limit`` commands after an id; ``None`` if there are none."""
        ...

    async def late_commands(
        self, since: datetime, up_to_id: int, limit: int
    ) -> Sequence[CommandRecord]:
        """Return commands up to an id, created at or after ``since``, that have no link."""
        ...

    async def ended_commands(self, limit: int) -> Sequence[CommandRecord]:
        """Return commands whose status differs from their last link's, which was not final."""
        ...

    async def append(self, before: ChainHead, links: Sequence[CommandLink]) -> bool:
        """Append ``links``; ``False`` if ``before`` is no longer the end of the chain."""
        ...

    async def links(self, after: int, limit: int) -> Sequence[LinkedCommand]:
        """Return links from number ``after`` + 1 on, with their commands."""
        ...

    async def linked_statuses(self, command_ids: Sequence[int]) -> Mapping[int, str]:
        """Return the status of the last link by command id; commands without one are left out."""
        ...
