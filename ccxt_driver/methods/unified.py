"""All methods of ccxt's unified API that the driver implements, in one class."""

from ccxt_driver.methods.market import MarketMethods
from ccxt_driver.methods.read import ReadMethods
from ccxt_driver.methods.variants import VariantMethods


class UnifiedMethods(VariantMethods, ReadMethods, MarketMethods):
    """ccxt's methods over the gateway; each exists in camelCase too."""
