"""Audit log: who changed what, when and why. Rows are written with the change and chained later."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from oms.domain.audit_chain import AuditRow, ChainLink
from oms.domain.value import value
from oms.ports.registry import AuditEntry

AUDIT_CHAIN_ID = 1
"""Id of the head of the audit log's chain."""
COMMAND_CHAIN_ID = 2
"""Id of the head of the commands' chain."""


@value
class AuditContext:
    """Who makes a change, from where, why and when."""

    actor: str
    at: datetime
    user_id: int | None = None
    api_key_id: int | None = None
    role: str | None = None
    ip: str | None = None
    comment: str | None = None
    request_id: str | None = None

    def entry(
        self,
        action: str,
        entity: str,
        entity_id: object,
        *,
        before: str | None = None,
        after: str | None = None,
        account_id: int | None = None,
    ) -> AuditEntry:
        """Return the audit row of one change; ``before`` and ``after`` are JSON text."""
        return AuditEntry(
            actor=self.actor,
            action=action,
            entity=entity,
            entity_id=str(entity_id),
            account_id=account_id,
            actor_user_id=self.user_id,
            actor_api_key_id=self.api_key_id,
            actor_role=self.role,
            actor_ip=self.ip,
            before=before,
            after=after,
            comment=self.comment,
            request_id=self.request_id,
        )


@value
class AuditPosition:
    """Where a page ended: the last row of the log and the last command up to there, if any."""

    log_id: int | None = None
    command_id: int | None = None


@value
class AuditQuery:
    """Filters and page of audit rows."""

    #: ``None``: rows of all accounts and without account.
    account_ids: tuple[int, ...] | None = None
    actor_user_id: int | None = None
    action: str | None = None
    entity: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    page: int = 1
    page_size: int = 100
    #: Continue here in place of at ``page``.
    after: AuditPosition | None = None
    descending: bool = False
    with_total: bool = True


@value
class AuditPage:
    """One page; ``next`` is where the next one begins, ``None`` after the last."""

    items: Sequence[AuditRow]
    total: int | None
    next: AuditPosition | None


@value
class ChainedRow:
    """A row with its link of the hash chain."""

    row: AuditRow
    link: ChainLink


@value
class ChainHead:
    """Length of the chain and its last hash."""

    length: int
    hash: str


class AuditLog(Protocol):
    """Reads and chains the log. Rows are never changed or removed."""

    async def page(self, window: AuditQuery) -> AuditPage:
        """Return audit rows and commands of the page, by time. Raises ``Unavailable``.

        Rows of the log, and commands, are among themselves in the order of their ids.
        """
        ...

    async def head(self) -> ChainHead | None:
        """Return the end of the chain; ``None`` if its row is missing. Raises ``Unavailable``."""
        ...

    async def unchained_rows(self, limit: int) -> Sequence[AuditRow]:
        """Return rows that are not chained yet, ascending by id. Raises ``Unavailable``."""
        ...

    async def append_to_chain(self, before: ChainHead, rows: Sequence[ChainedRow]) -> bool:
        """Append ``rows`` to the chain; ``False`` if ``before`` is no longer its end.

        Raises ``Unavailable``.
        """
        ...

    async def chained_rows(self, after: int, limit: int) -> Sequence[ChainedRow]:
        """Return chained rows from number ``after`` + 1 on. Raises ``Unavailable``."""
        ...

    async def skipped_rows(self, margin: timedelta) -> Sequence[int]:
        """Return ids of unchained rows older by ``margin`` than a chained one, ascending.

        Raises ``Unavailable``.
        """
        ...
