"""``ports.exchange_catalog`` over the capability records and the table of venues."""

from collections.abc import Mapping, Sequence

from oms.adapters.capability_records import (
    account_capability_record,
    capability_record,
    list_allowed_hosts,
)
from oms.adapters.ccxt.venues.catalog import exchange_ids
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.domain.account import Account, Engine


class VenueCatalog:
    """Reads the package's own data; no connection is made."""

    def exchange_ids(self) -> Sequence[str]:
        """Return the ids of the exchanges that accounts can have, sorted."""
        return exchange_ids()

    def capabilities(self, exchange_id: str, environment: str | None) -> Mapping[str, object]:
        """Return the capability record of an exchange. Raises ``Invalid`` for an unknown one."""
        return capability_record(exchange_id, environment)

    def account_capabilities(self, account: Account) -> Mapping[str, object]:
        """Return the capability record as the account's settings restrict it."""
        return account_capability_record(account)

    def has_cancel_timer(self, account: Account) -> bool:
        """Return whether the account's exchange has a timer that dead-man switches let run."""
        is_paper = account.engine is Engine.PAPER
        return not is_paper and get_profile(account.venue).cancel_timer is not None

    def allowed_hosts(self, account: Account) -> Mapping[str, Sequence[str]]:
        """Return the hosts that the account's connection may call, by purpose."""
        return list_allowed_hosts(account)
