"""What sweeps leave behind: how far they read, what they did, and what still differs."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Protocol

from oms.domain.value import value
from oms.ports.raw import RawRow

TRADES_READ = "my_trades_since"
"""The cursor of executions: RFC 3339, all before it was read."""


@value
class ReconcileRun:
    """One sweep over one account; ``counts`` is JSON text."""

    id: int
    account_id: int
    scope: str
    started_at: datetime
    finished_at: datetime
    counts: str
    error: str | None = None


@value
class Discrepancy:
    """A difference that was seen; ``evidence`` and ``fix`` are JSON text.

    ``status`` is ``pending`` until it was seen twice, then ``open``, and ends as ``closed`` (it is
    gone), ``applied`` or ``dismissed`` (somebody decided).
    """

    id: int
    account_id: int
    kind: str
    symbol: str | None
    #: What makes it the same difference when it is seen again.
    subject: str
    status: str
    policy: str
    evidence: str
    fix: str | None = None
    first_seen: datetime
    last_seen: datetime
    decided_by: str | None = None
    comment: str | None = None


@value
class ReconcileRows:
    """What a sweep writes in the transaction of the facts it found."""

    run: ReconcileRun
    cursors: Mapping[str, str] = field(default_factory=dict)
    discrepancies: Sequence[Discrepancy] = ()
    #: What the exchange told, in its own words.
    raw: Sequence[RawRow] = ()


@value
class Cursor:
    """How far an account was read, and when that was."""

    account_id: int
    entity: str
    value: str
    updated_at: datetime


class Reconciliations(Protocol):
    """Reads of what sweeps left behind."""

    async def cursors(self, account_ids: Sequence[int]) -> Sequence[Cursor]:
        """All cursors of these accounts."""
        ...

    async def unsettled(self, account_ids: Sequence[int]) -> Sequence[Discrepancy]:
        """Discrepancies that are pending or open, oldest first."""
        ...
