"""Programs of others that were written for ccxt, by repository and path.

Each function makes the calls of one public program, in the same order and with the same
parameters. Symbols, amounts and prices are such that the loopback exchange accepts them, endless
loops end after one round, pauses are left out, and where the program is for an exchange that the
loopback does not imitate, one that it does takes its place. The code is ours.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Program = Callable[[Any], Any]

KEYS = {"apiKey": "YOUR_API_KEY", "secret": "YOUR_SECRET"}
FUTURES = {**KEYS, "enableRateLimit": True, "options": {"defaultType": "future"}}


class Group(StrEnum):
    """Which of ccxt's modules a program uses."""

    SYNC = "ccxt"
    ASYNC = "ccxt.async_support"
    PRO = "ccxt.pro"


@dataclass(frozen=True, slots=True)
class Script:
    """One program; ``run`` gets the module of ccxt, and is a coroutine function unless sync."""

    group: Group
    repository: str
    path: str
    run: Program
    #: Why it does not do the same through the gateway; with ``NotSupported`` the driver refuses
    #: the rest.
    differs: str = ""
    #: It fails with ccxt itself.
    fails: bool = False
    #: Whether it leaves orders with ccxt; other programs read market data, or fail before.
    places_orders: bool = True
    #: It sends orders at the same time, so that they arrive in any sequence.
    sends_at_once: bool = False

    @property
    def name(self) -> str:
        """Repository and path."""
        return f"{self.repository} {self.path}"

    @property
    def result(self) -> str:
        """What the documentation says of it."""
        if self.differs:
            return self.differs
        words = ["equal"]
        words += [] if self.places_orders else ["no order"]
        words += ["fails with both"] if self.fails else []
        return ", ".join(words)


SCRIPTS: list[Script] = []


def script(
    group: Group, repository: str, path: str, **options: Any
) -> Callable[[Program], Program]:
    """Returns a decorator that registers a function as the calls of a program."""

    def register(run: Program) -> Program:
        SCRIPTS.append(Script(group, repository, path, run, **options))
        return run

    return register
