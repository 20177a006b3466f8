"""All methods that the driver implements, in one class: ccxt's unified API, and the gateway's."""

from ccxt_driver.methods.gateway import GatewayMethods
from ccxt_driver.methods.market import MarketMethods
from ccxt_driver.methods.read import ReadMethods
from ccxt_driver.methods.variants import VariantMethods


class UnifiedMethods(VariantMethods, ReadMethods, GatewayMethods, MarketMethods):
    """Methods over the gateway; each exists in camelCase too."""
