"""The symbols that an account can trade."""

from collections.abc import Collection
from typing import Protocol


class AccountSymbols(Protocol):
    """Returns unified symbols by account."""

    async def __call__(self, account_id: int) -> Collection[str]:
        """Return the symbols known of an account. Raises ``NotFound``, ``Unavailable``."""
        ...
