"""The watcher of price alerts of one account: prices in, events out.

It runs with each look at the market of an account that has alerts. An alert that is reached is
deleted in the transaction that stores its event, so a crash neither forgets nor repeats it. Without
a fresh price nothing fires.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from oms.domain.account import Engine
from oms.domain.event import Event, Namespace
from oms.domain.protection.price_alerts import PriceAlert, alert_price, is_reached, with_side
from oms.services.account_state.state import AccountState
from oms.services.ledger.record import Changes


def watch_alerts(
    state: AccountState, changes: Changes, now: datetime, price_age: timedelta
) -> None:
    """Judge all alerts; what follows is in the unit of work and in ``changes``."""
    prices: dict[str, Decimal | None] = {}
    for alert in tuple(state.alerts.values()):
        if alert.symbol not in prices:
            prices[alert.symbol] = fresh_price(state, alert.symbol, now, price_age)
        price = prices[alert.symbol]
        if price is None:
            continue
        if is_reached(alert, price):
            remove_alert(state, alert.id)
            changes.events.append(_fired_event(alert, price, now))
        elif (seen := with_side(alert, price)) != alert:
            put_alert(state, seen)


def fresh_price(
    state: AccountState, symbol: str, now: datetime, price_age: timedelta
) -> Decimal | None:
    """Return the price of the symbol, ``None`` without a fresh one."""
    quote = state.exchange.quote(symbol, now)
    # A paper exchange itself returns no price that is too old.
    is_aging = state.account.engine is not Engine.PAPER
    if quote is None or (is_aging and now - quote.at > price_age):
        return None
    return alert_price(state.account.stops.price_mode, quote)


def put_alert(state: AccountState, alert: PriceAlert) -> None:
    """Store an alert with the next transaction."""
    state.alerts[alert.id] = state.work.alerts[alert.id] = alert


def remove_alert(state: AccountState, alert_id: int) -> None:
    """Delete an alert with the next transaction."""
    del state.alerts[alert_id]
    state.work.alerts[alert_id] = None


def _fired_event(alert: PriceAlert, price: Decimal, now: datetime) -> Event:
    facts = {
        "alert_id": alert.id,
        "symbol": alert.symbol,
        "condition": alert.condition.value,
        "level": alert.price,
        "price": price,
        "note": alert.note,
        "user_id": alert.user_id,
        "fired_at": now,
    }
    return Event(name="price_alert", namespace=Namespace.RISK, facts=facts)
