"""The name of the prices of an account's exchange: the venue and its environment.

Accounts with addresses of their own (``urls``, ``hostname``, ``oms.resolve``) share the prices of
these only.
"""

from hashlib import sha256

from oms.domain.account import Account
from oms.wire.json import dumps, loads

_ADDRESSES = ("urls", "hostname")


def mark_source(account: Account) -> str:
    """Return the source of the prices of a real exchange's account."""
    config = loads(account.extra_config)
    own = {key: config[key] for key in _ADDRESSES if config.get(key)}
    resolve = (config.get("oms") or {}).get("resolve")
    if resolve:
        own["resolve"] = resolve
    name = f"{account.venue}.{account.environment.value}"
    return f"{name}.{sha256(dumps(own).encode()).hexdigest()[:12]}" if own else name
