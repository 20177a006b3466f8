"""Static knowledge about exchanges: supported ids, capabilities, allowed hosts."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from oms.domain.account import Account


class ExchangeCatalog(Protocol):
    """Reads that need neither a connection nor credentials."""

    def exchange_ids(self) -> Sequence[str]:
        """Return the ids of the exchanges that accounts can have."""
        ...

    def capabilities(self, exchange_id: str, environment: str | None) -> Mapping[str, object]:
        """Return the capability record of an exchange. Raises ``Invalid`` for an unknown one."""
        ...

    def account_capabilities(self, account: Account) -> Mapping[str, object]:
        """Return the capability record as the account's settings restrict it."""
        ...

    def has_cancel_timer(self, account: Account) -> bool:
        """Return whether the account's exchange has a timer that dead-man switches let run."""
        ...

    def allowed_hosts(self, account: Account) -> Mapping[str, Sequence[str]]:
        """Return the hosts that the account's connection may call, by purpose."""
        ...
