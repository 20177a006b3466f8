"""Identifiers: positive integers handed in from outside, unique per table, no clock and no order.

The core never makes an id itself: it asks the ``Mint`` it was given, so that the same inputs with
the same mint give the same book.
"""

from typing import Literal, Protocol

IdKind = Literal[
    "command",
    "order",
    "deal",
    "position",
    "event",
    "account",
    "user",
    "key",
    "audit",
    "reconcile_run",
    "discrepancy",
    "strategy",
    "token",
    "login",
    "raw",
    "kill",
]

ID_MAX = 2**53 - 1
"""The largest id that every JSON reader keeps exactly."""


class IdGenerator(Protocol):
    """Hands out fresh ids; never the same one twice per kind."""

    def __call__(self, kind: IdKind) -> int: ...
