"""Terms of an open order that a change moves beside price and quantity.

Moving ``expires_at`` makes the order GTD; another time in force ends its expiry. One trailing
distance replaces the other.
"""

from datetime import datetime
from decimal import Decimal

from oms.domain.value import value

UNTIL_CANCELED, UNTIL_EXPIRY = "GTC", "GTD"
_POST_ONLY = "PO"


@value
class NewTerms:
    """Requested or reported terms; ``None`` keeps one."""

    trigger_price: Decimal | None = None
    trailing_amount: Decimal | None = None
    #: In percent: 1.5 is 1.5 %.
    trailing_percent: Decimal | None = None
    time_in_force: str | None = None
    expires_at: datetime | None = None

    @property
    def distances(self) -> int:
        """Return how many trailing distances are given."""
        return (self.trailing_amount is not None) + (self.trailing_percent is not None)

    @property
    def moves_trigger(self) -> bool:
        """Return whether they say when the order triggers."""
        return self.trigger_price is not None or self.distances > 0

    @property
    def moves_time(self) -> bool:
        """Return whether they say how long the order rests."""
        return self.time_in_force is not None or self.expires_at is not None


def moved_fields(time_in_force: str | None, terms: NewTerms) -> dict[str, object]:
    """Return the fields of an order with this time in force that the terms change."""
    fields: dict[str, object] = {}
    if terms.trigger_price is not None:
        fields["trigger_price"] = terms.trigger_price
    if terms.distances:
        fields["trailing_amount"] = terms.trailing_amount
        fields["trailing_percent"] = terms.trailing_percent
    own = UNTIL_CANCELED if time_in_force in (None, _POST_ONLY) else time_in_force
    if terms.expires_at is not None:
        fields |= {"expires_at": terms.expires_at, "time_in_force": UNTIL_EXPIRY}
    elif terms.time_in_force not in (None, own):
        fields |= {"expires_at": None, "time_in_force": terms.time_in_force}
    return fields
