"""What an order costs at an exchange: fee rates, and the leverage of a contract."""

from decimal import Decimal

from oms.domain.value import value


@value
class TradingTerms:
    """Fee rates of a symbol as fractions of the notional; leverage 1 on spot."""

    maker: Decimal
    taker: Decimal
    leverage: int
