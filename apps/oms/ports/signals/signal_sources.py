"""The store of signal sources."""

from collections.abc import Sequence
from typing import Protocol

from oms.domain.signals.signal import SignalKind
from oms.domain.signals.source import SignalSource, SourceRefusal
from oms.ports.audit_log import AuditContext


class SignalSources(Protocol):
    """Sources of signals; every method raises ``Unavailable``."""

    async def all(self) -> Sequence[SignalSource]:
        """Return all sources, ascending by id."""
        ...

    async def find(self, source_id: int) -> SignalSource | None:
        """Return a source."""
        ...

    async def of_name(self, name: str) -> SignalSource | None:
        """Return the source with this name, regardless of case."""
        ...

    async def of_token(self, token_hash: str) -> SignalSource | None:
        """Return the source that has, or had before its last rotation, this path token."""
        ...

    async def of_key(self, api_key_id: int, kind: SignalKind) -> SignalSource | None:
        """Return the source of a kind that a key may post to."""
        ...

    async def next_id(self) -> int:
        """Return the id of a source to be created: its secret is sealed for it."""
        ...

    async def create(self, source: SignalSource, audit_context: AuditContext) -> None:
        """Store a new source. Raises ``Conflict`` (name or key taken), ``NotFound``."""
        ...

    async def change(
        self, before: SignalSource, after: SignalSource, action: str, audit_context: AuditContext
    ) -> None:
        """Replace a source. Raises ``Conflict`` (name or key taken, changed meanwhile)."""
        ...

    async def record_refusal(self, source_id: int, refusal: SourceRefusal) -> None:
        """Store the last refusal of a source, unless a later one is stored."""
        ...
