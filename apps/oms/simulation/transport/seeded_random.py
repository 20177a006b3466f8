"""Chance without a generator: a number drawn from what it is for, equal on every machine."""

from decimal import Decimal
from hashlib import sha256

_ONE = 10**9


def seeded_uniform(seed: int, purpose: str, count: int) -> Decimal:
    """From 0 to below 1, at 9 places."""
    digest = sha256(f"{seed}:{purpose}:{count}".encode()).digest()
    return Decimal(int.from_bytes(digest[:8], "big") % _ONE).scaleb(-9)
