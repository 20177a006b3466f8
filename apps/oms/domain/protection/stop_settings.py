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


@value
class StopSettings:
    """``extra_config_json.oms``: ``stop_price_mode`` and ``stop_min_age_seconds``."""

    price_mode: PriceMode = PriceMode.BID_ASK
    #: Younger positions are closed by no level but the maximum holding time.
    min_age: timedelta = timedelta(0)
