"""The methods of every driver class, in ccxt's names. A subclass says how a plan is carried out."""

from ccxt_driver.market_methods import MarketMethods
from ccxt_driver.read_methods import ReadMethods
from ccxt_driver.trigger_methods import TriggerMethods


class OmsMethods(TriggerMethods, ReadMethods, MarketMethods):
    """ccxt's methods over the gateway; each exists in camelCase too."""
