"""The venues with a profile; adding one means one module here and one line below."""

from collections.abc import Mapping

from oms.adapters.ccxt.venues import alpaca, binance, bitget, bybit, gate, kraken, kucoin, okx
from oms.adapters.ccxt.venues.profile import LookupMethod, VenueProfile

_DEFAULT = VenueProfile()
_BY_CLIENT_ID = VenueProfile(
    lookup_method=LookupMethod.BY_PARAM, name_param="clientOrderId", window_days_max=7
)
_PROFILES: Mapping[str, VenueProfile] = {
    **alpaca.PROFILES,
    **binance.PROFILES,
    **bitget.PROFILES,
    **bybit.PROFILES,
    **gate.PROFILES,
    **kraken.PROFILES,
    **kucoin.PROFILES,
    **okx.PROFILES,
    **dict.fromkeys(("mexc", "htx", "hyperliquid"), _BY_CLIENT_ID),
}


def get_profile(venue: str) -> VenueProfile:
    """Returns the venue's profile; the careful default where it has none."""
    return _PROFILES.get(venue, _DEFAULT)
