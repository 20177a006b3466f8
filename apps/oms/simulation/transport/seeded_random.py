"""Pseudo-random numbers derived from a seed and a purpose, equal on every machine."""

from decimal import Decimal
from hashlib import sha256

_ONE = 10**9


def seeded_uniform(seed: int, purpose: str, count: int) -> Decimal:
    """Returns a number from 0 to below 1, at 9 places."""
    digest = sha256(f"{seed}:{purpose}:{count}".encode()).digest()
    return Decimal(int.from_bytes(digest[:8], "big") % _ONE).scaleb(-9)
