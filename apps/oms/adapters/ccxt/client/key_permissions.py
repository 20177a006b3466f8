"""Permissions of an API key where the venue reports them: a key that may withdraw is not used.

An account that needs one sets ``oms.withdrawal_key``. Where a venue reports nothing, or its profile
has no query, nothing is assumed and nothing refused.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from oms.adapters.ccxt.client.request_errors import ReadFailed, Rejected
from oms.adapters.ccxt.venues.key_query import KeyPermissions, KeyQuery
from oms.adapters.ccxt.venues.profile_registry import get_profile

WITHDRAWAL_KEY = "withdrawal_key"
CHANGED_OWNER = "credentials_changed_owner"
OWNER_SETTING = "exchange_owner"


class ReadClient(Protocol):
    """Reads from a venue."""

    async def read(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Calls one ccxt method. Raises ``ReadFailed``."""
        ...


async def fetch_key_permissions(client: ReadClient, venue: str, environment: str) -> KeyPermissions:
    """Returns the permissions of the key as far as the venue reports them."""
    query = get_profile(venue).key_query
    if query is None or environment not in query.environments:
        return KeyPermissions()
    return await _run(client, query)


async def fetch_key_owner(
    client: ReadClient, venue: str, environment: str, rights: KeyPermissions
) -> str | None:
    """Returns the venue's id of the account that the key belongs to, where it reports it."""
    query = get_profile(venue).owner_query
    if rights.owner is not None or query is None or environment not in query.environments:
        return rights.owner
    return (await _run(client, query)).owner


async def _run(client: ReadClient, query: KeyQuery) -> KeyPermissions:
    try:
        return query.parse(await client.read(query.method))
    except ReadFailed:
        return KeyPermissions()
    except (AttributeError, LookupError, TypeError, ValueError):
        return KeyPermissions()  # a reply of another form says nothing


def refuse_changed_owner(owner: str | None, previous: str | None, settings: Any) -> None:
    """Raises ``Rejected`` (``auth_failed``) for a key of another account than the last one.

    ``oms.exchange_owner`` of the account's settings names the account that is meant.
    """
    own_settings = settings.get("oms") if isinstance(settings, Mapping) else None
    configured = own_settings.get(OWNER_SETTING) if isinstance(own_settings, Mapping) else None
    expected = configured or previous
    if owner is None or expected is None or owner == expected:
        return
    message = (
        f"these credentials belong to account {owner} of the exchange, not to {expected}: "
        f"store others, or set oms.{OWNER_SETTING} to {owner} if that is meant"
    )
    raise Rejected("auth_failed", message, reason=CHANGED_OWNER)


def refuse_withdrawal_key(rights: KeyPermissions, settings: Any) -> None:
    """Raises ``Rejected`` (``auth_failed``) for a key that may withdraw, unless it is allowed."""
    own_settings = settings.get("oms") if isinstance(settings, Mapping) else None
    is_allowed = isinstance(own_settings, Mapping) and own_settings.get(WITHDRAWAL_KEY) is True
    if rights.can_withdraw and not is_allowed:
        message = (
            "this key may withdraw money, which the gateway never does: create one that may not, "
            f"or set oms.{WITHDRAWAL_KEY} to true"
        )
        raise Rejected("auth_failed", message, reason=WITHDRAWAL_KEY)
