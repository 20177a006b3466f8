"""Settings of one contract that an account made or received: leverage, margin mode, funding rate.

Only what differs from the settings of the exchange is stored.
"""

from decimal import Decimal
from enum import StrEnum

from oms.domain.value import value


class MarginMode(StrEnum):
    """Collateral of a position: the whole wallet of its currency, or its own margin only."""

    CROSS = "cross"
    ISOLATED = "isolated"


@value
class ContractOverrides:
    """Differences from the settings of the exchange; ``None`` is no difference."""

    leverage: int | None = None
    margin_mode: MarginMode | None = None
    #: Paid by longs to shorts at each funding time, as a fraction of the value.
    funding_rate: Decimal | None = None


NO_OVERRIDES = ContractOverrides()
