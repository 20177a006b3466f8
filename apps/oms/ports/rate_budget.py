"""Request budget shared by all processes: tokens per second, taken in chunks.

Tokens may be spent within their second.
"""

from typing import Protocol

from oms.domain.value import value


@value
class TokenGrant:
    """Granted tokens, valid for the next ``seconds``."""

    tokens: float
    seconds: float
    #: Seconds in which no process may send.
    paused: float = 0.0


class RateBudget(Protocol):
    """Tokens by scope; seconds are measured by the clock of the store."""

    async def take(self, scope: str, requested: float, maximum: float) -> TokenGrant:
        """Take at most ``requested`` tokens of this second, which has at most ``maximum`` in total.

        Raises ``Unavailable``: nothing was taken, or taken tokens are lost.
        """
        ...

    async def pause(self, scope: str, seconds: float) -> None:
        """Stop granting tokens for so long; of overlapping pauses the later end counts.

        Raises ``Unavailable``.
        """
        ...
