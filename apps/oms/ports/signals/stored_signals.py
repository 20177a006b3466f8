"""Stored signals. A signal is stored with its commands; their worker writes what became of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from oms.domain.signals.signal import SignalAction, SignalKind, SignalStatus
from oms.domain.value import value
from oms.ports.registry import AuditEntry


@value
class SignalRow:
    """A signal on one account."""

    id: int
    #: 0: posted by a key without a source.
    source_id: int
    #: Set in the first row of a signal alone; ``None``: it is never a repeat.
    dedupe_key: str | None
    payload_hash: str
    #: The first row of the signal; the others are those of further accounts.
    group_signal_id: int
    kind: SignalKind
    account_id: int
    strategy_id: int
    symbol: str
    action: SignalAction
    price: Decimal | None
    #: The body without secrets, as JSON text.
    raw: str
    received_at: datetime
    status: SignalStatus = SignalStatus.QUEUED
    reason_code: str | None = None
    reason: str | None = None
    command_ids: tuple[int, ...] = ()
    order_ids: tuple[int, ...] = ()
    position_id: int | None = None
    stop_gain: Decimal | None = None
    stop_loss: Decimal | None = None
    finished_at: datetime | None = None
    duplicate_count: int = 0
    user_id: int | None = None
    api_key_id: int | None = None
    #: The bot that decided it.
    bot_id: int | None = None


@value
class NewSignal:
    """The rows of a signal to be stored with its commands, and its audit row."""

    #: The first has the dedupe key.
    rows: tuple[SignalRow, ...]
    audit_id: int
    audit: AuditEntry
    #: Without a dedupe key: rows of the source with the same body since then make it a repeat.
    same_body_since: datetime | None = None
    #: Events of rows that are decided already: id, type, payload as JSON text.
    events: tuple[tuple[int, str, str], ...] = ()

    @property
    def first(self) -> SignalRow:
        """The first row."""
        return self.rows[0]


@value
class SignalRepeat:
    """A repeat of a stored signal, with the event that reports it; ``payload`` is JSON text."""

    group_signal_id: int
    event: str
    payload: str


@value
class SignalQuery:
    """Filters and page of a list of signals."""

    #: Strategies by account; ``None``: all of the account.
    accounts: Mapping[int, frozenset[int] | None]
    source_id: int | None = None
    bot_id: int | None = None
    kind: SignalKind | None = None
    symbol: str | None = None
    statuses: tuple[SignalStatus, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    page: int = 1
    page_size: int = 100
    after_id: int | None = None
    descending: bool = False
    with_total: bool = True


class Signals(Protocol):
    """Reads of signals, and repeats of stored ones; every method raises ``Unavailable``."""

    async def find(self, signal_id: int) -> SignalRow | None:
        """Return a row."""
        ...

    async def of_group(self, group_signal_id: int) -> Sequence[SignalRow]:
        """Return the rows of a signal, ascending by id."""
        ...

    async def page(self, query: SignalQuery) -> tuple[Sequence[SignalRow], int | None]:
        """Return a page of at most ``page_size`` + 1 rows, and the total if it was asked for."""
        ...

    async def last_received(self) -> Mapping[int, datetime]:
        """Return when the last signal of each source was received."""
        ...

    async def counts(self) -> Mapping[int, Mapping[str, int]]:
        """Return the numbers of rows by source and status, and of repeats as ``duplicate``."""
        ...

    async def record_duplicate(self, repeat: SignalRepeat, entry: AuditEntry, at: datetime) -> None:
        """Count a repeat of a signal, with its audit row and its event of account 0."""
        ...
