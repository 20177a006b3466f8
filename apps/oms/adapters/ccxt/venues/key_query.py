"""What a venue reports of an API key, and the calls that return it."""

from collections.abc import Callable
from typing import Any

from oms.domain.value import value


@value
class KeyPermissions:
    """Permissions of a key; ``None`` where the venue does not report one."""

    trades: bool | None = None
    can_withdraw: bool | None = None
    #: The exchange's own id of the account that the key belongs to.
    owner: str | None = None


@value
class KeyQuery:
    """One ccxt method without arguments, how its reply is read, and where it exists.

    ``parse`` may raise ``AttributeError``, ``LookupError``, ``TypeError`` or ``ValueError`` for a
    reply of another form.
    """

    method: str
    parse: Callable[[Any], KeyPermissions]
    environments: frozenset[str]


def account_id_text(account_id: Any) -> str | None:
    """Returns an exchange's account id as text; venues send 0 where they send none."""
    return str(account_id)[:64] if account_id not in (None, "", 0, "0") else None
