"""What an account has set, or was told, for one contract: leverage, margin mode, funding rate.

Only what differs from the settings is kept here.
"""

from decimal import Decimal
from enum import StrEnum

from oms.domain.value import value


class MarginMode(StrEnum):
    """What stands behind a position: the whole wallet of its currency, or its own margin alone."""

    CROSS = "cross"
    ISOLATED = "isolated"


@value
class ContractOverrides:
    """Deviations from the settings; ``None`` is what these say."""

    leverage: int | None = None
    margin_mode: MarginMode | None = None
    #: Paid by longs to shorts at each funding time, as a fraction of the value.
    funding_rate: Decimal | None = None


NO_OVERRIDES = ContractOverrides()
