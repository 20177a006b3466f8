"""Ids in blocks: allocated from the store ahead of time, handed out without waiting."""

from typing import Protocol

from oms.domain.ids import IdKind


class IdBlocks(Protocol):
    """A ``domain.ids.Mint`` that is filled ahead."""

    async def ensure(self, kind: IdKind, count: int) -> None:
        """Afterwards ``count`` calls for ``kind`` are answered from memory."""
        ...

    def __call__(self, kind: IdKind) -> int:
        """A fresh id. An assertion fails if ``ensure`` has not provided for it."""
        ...

    def run(self, kind: IdKind, count: int) -> int:
        """The first of ``count`` fresh ids that follow each other without a gap."""
        ...
