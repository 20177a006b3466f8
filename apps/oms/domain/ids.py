"""Identifiers: positive integers, unique per table, without time.

Those of one account's orders, deals and positions increase; between accounts they have no order.

The domain does not create ids itself but calls the given ``IdGenerator``, so equal inputs with
equal ids give equal results.
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
    "deadman",
    "account_group",
    "sink",
    "delivery",
    "signal_source",
    "signal",
    "session_override",
    "instrument",
    "share_link",
    "candle_ingestion",
    "backtest",
    "strategy_version",
    "research_request",
    "bot",
    "bot_event",
    "archive",
]

ID_MAX = 2**53 - 1
"""Largest integer that JSON readers with double numbers represent exactly."""


class IdGenerator(Protocol):
    """Returns a new id with every call; never the same one twice per kind."""

    def __call__(self, kind: IdKind) -> int: ...
