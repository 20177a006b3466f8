"""Id allocation in blocks: reserved from the store in advance, used without waiting."""

from typing import Protocol

from oms.domain.ids import IdKind


class IdBlocks(Protocol):
    """A ``domain.ids.IdGenerator`` with a reserve."""

    async def ensure(self, kind: IdKind, count: int) -> None:
        """Reserve ids: the next ``count`` calls for ``kind`` do not wait. Raises ``Unavailable``.

        For ids that are used before the task waits for anything else: see ``allocate``.
        """
        ...

    async def allocate(self, kind: IdKind, count: int = 1) -> int:
        """Return the first of ``count`` consecutive new ids. Raises ``Unavailable``.

        For ids that are used after a wait: other tasks may use up what ``ensure`` has reserved.
        """
        ...

    def __call__(self, kind: IdKind) -> int:
        """Return a new id. Asserts that ``ensure`` has reserved one."""
        ...

    def reserve_range(self, kind: IdKind, count: int) -> int:
        """Return the first of ``count`` consecutive new ids."""
        ...

    def renew(self) -> None:
        """Give up what is reserved with the next call of ``ensure``.

        Ids that are ensured after this call are greater than all that were given out before it, by
        any process.
        """
        ...
