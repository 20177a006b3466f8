"""The methods of every driver class, in ccxt's names. A subclass says how a plan is carried out."""

from ccxt_driver.methods.market import MarketMethods
from ccxt_driver.methods.read import ReadMethods
from ccxt_driver.methods.trigger import TriggerMethods


class UnifiedMethods(TriggerMethods, ReadMethods, MarketMethods):
    """ccxt's methods over the gateway; each exists in camelCase too."""
