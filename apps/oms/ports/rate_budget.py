"""A budget of requests that all processes share: tokens of one second, taken in chunks.

Who takes tokens may spend them within that second. Nothing is told of who spends them for what.
"""

from typing import Protocol

from oms.domain.value import value


@value
class TokenGrant:
    """What was granted: ``tokens`` for the next ``seconds``, or none of them for ``paused``."""

    tokens: float
    seconds: float
    #: Seconds in which nobody may send, whatever is left.
    paused: float = 0.0


class RateBudget(Protocol):
    """Tokens by scope; the seconds are those of the store's own clock."""

    async def take(self, scope: str, wanted: float, most: float) -> TokenGrant:
        """At most ``wanted`` tokens of this second, of which at most ``most`` are given in all.

        Raises ``Unavailable``: nothing was taken, or what was taken is lost.
        """
        ...

    async def pause(self, scope: str, seconds: float) -> None:
        """Nobody is given any for so long; of two pauses the later end counts.

        Raises ``Unavailable``.
        """
        ...
