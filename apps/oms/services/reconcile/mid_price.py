"""The middle of the exchange's best prices, at which corrections and differences are valued."""

from datetime import datetime, timedelta
from decimal import Decimal

from oms.domain.money import decimal_text
from oms.domain.value import value
from oms.services.account_state.state import AccountState


@value
class MidPrice:
    """The middle of bid and ask: corrections are booked and differences valued at it."""

    price: Decimal
    #: How old it was.
    age: timedelta

    def evidence(self) -> dict[str, object]:
        """Return price, source and age."""
        age_ms = round(self.age / timedelta(milliseconds=1))
        return {"price": decimal_text(self.price), "source": "bid_ask", "age_ms": age_ms}


async def mid_price(state: AccountState, symbol: str, now: datetime) -> MidPrice | None:
    """Return the middle of the exchange's current best prices, read if needed; else ``None``."""
    if symbol not in state.exchange.instruments():
        return None
    quote = await state.exchange.fetch_quote(symbol, now)
    if quote is None:
        return None
    return MidPrice(price=quote.mid, age=max(now - quote.at, timedelta()))
