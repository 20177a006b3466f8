"""Accounts of oms-gateway with the interface of the MetaTrader5 package.

``import mt5_driver as mt5`` replaces ``import MetaTrader5 as mt5``; the functions, tuples, arrays
and constants have the names of that package. It speaks HTTP and imports nothing of the gateway.
"""

from mt5_driver.constants import *  # noqa: F403
from mt5_driver.market_functions import *  # noqa: F403
from mt5_driver.structures import *  # noqa: F403
from mt5_driver.terminal_functions import *  # noqa: F403
from mt5_driver.trade_functions import *  # noqa: F403
from mt5_driver.trade_functions import _RawOrder as _RawOrder

#: The version of the package whose interface this is.
__version__ = "5.0.6231"
__author__ = "oms-gateway"
