"""Settings of an account for its stop levels."""

from datetime import timedelta
from enum import StrEnum

from oms.domain.value import value


class PriceMode(StrEnum):
    """The price that stop levels are compared with."""

    #: The price at which the position could be closed: the bid for long, the ask for short ones.
    BID_ASK = "bid_ask"
    LAST = "last"
    MID = "mid"
    MARK = "mark"


class ProtectionMode(StrEnum):
    """Who watches stop levels: the gateway, or the exchange by orders that rest there."""

    #: The exchange where it can; paper accounts by the gateway.
    AUTO = "auto"
    #: The exchange; where it cannot, an event says so.
    NATIVE = "native"
    EMULATED = "emulated"


@value
class StopSettings:
    """``extra_config_json.oms``: the keys ``stop_price_mode``, ``stop_min_age_seconds``, and
    ``protection_mode``.
    """

    price_mode: PriceMode = PriceMode.BID_ASK
    protection: ProtectionMode = ProtectionMode.AUTO
    #: Younger positions are closed by no level but the maximum holding time.
    min_age: timedelta = timedelta(0)
