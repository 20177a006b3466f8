"""Hashed numbers: the same for the same key, on every machine, and without a visible pattern."""

from functools import lru_cache
from hashlib import sha256

_MASK = 2**64 - 1


@lru_cache(maxsize=4096)
def path_key(seed: int, name: str) -> int:
    """Returns 64 bits that identify one path of one seed."""
    return int.from_bytes(sha256(f"{seed}:{name}".encode()).digest()[:8], "big")


@lru_cache(maxsize=16_384)
def segment(key: int, octave: int, index: int) -> tuple[int, int]:
    """Returns start of an octave's segment at ``index``, from −2³² to 2³², and its rise."""
    left = lattice(key, octave, index)
    return left, lattice(key, octave, index + 1) - left


def lattice(key: int, octave: int, index: int) -> int:
    """Returns a hashed integer from −2³² to 2³² − 1."""
    return (mix(key + octave * 0xD1B54A32D192ED03 ^ index * 0x9E3779B97F4A7C15) >> 31) - 2**32


def mix(number: int) -> int:
    """Returns 64 bits that depend on every bit of ``number``."""
    number &= _MASK
    number = (number ^ number >> 32) * 0xD6E8FEB86659FD93 & _MASK
    number = (number ^ number >> 32) * 0xD6E8FEB86659FD93 & _MASK
    return number ^ number >> 32
